"""The contract of a feature: its record, what it needs beside it, what it asks of the GPU, its passes.

One file in `features/` with one subclass of `Feature` makes a feature; nothing else changes:

    class ShadowCaster(Feature):
        \"\"\"The object throws a shadow.\"\"\"

        type_name = "shadowCaster"
        requires = ("visibleModel",)
        fields = (asset_field("asset", types=("model", "mesh"), help="what casts"),)

        def requirements(self, asset, library):
            yield Requirement(...)

        def passes(self):
            return (SHADOW_PASS,)

A feature object holds no state of any scene: the registry makes one and every tableau shares it.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from engine.tableau.schema import FeatureSchema, FieldSpec

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from engine.assets import AssetLibrary, AssetRef
    from engine.feature.drawable import Drawable
    from engine.feature.frame import FrameView
    from engine.graph import Pass
    from engine.plan.requirements.requirements import Requirement


class Feature:
    """Base of all features. Subclasses set the class attributes and override what they need.

    A subclass without a `type_name` of its own is a helper for others and is not registered.
    A wrong declaration (two fields of one name, a default out of range) raises ValueError when the class
    is made, so that its author sees it at import.
    """

    type_name: ClassVar[str] = ""
    requires: ClassVar[tuple[str, ...]] = ()
    fields: ClassVar[tuple[FieldSpec, ...]] = ()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "type_name" in cls.__dict__:
            if cls.type_name in cls.requires:
                raise ValueError(f"feature {cls.type_name!r} requires itself")
            cls._make_schema()

    @classmethod
    def _make_schema(cls) -> FeatureSchema:
        return FeatureSchema(cls.type_name, tuple(cls.fields), tuple(cls.requires), inspect.getdoc(cls) or "")

    @cached_property
    def schema(self) -> FeatureSchema:
        """The feature's record as plain data: what the tableau, the loader and the inspector use."""
        return self._make_schema()

    def requirements(self, asset: AssetRef, library: AssetLibrary) -> Iterable[Requirement]:
        """State what one asset, used by this feature, needs to be resident.

        Called once for each asset that an active row names; the engine attaches all rows that ask. It may be
        called on any thread, must not depend on a row and must not keep anything.
        """
        return ()

    def passes(self) -> tuple[Pass, ...]:
        """The passes this feature takes part in, the same objects at every call.

        What a pass declares (attachments, buffers) is asked for by the active rows of its features.
        """
        return ()

    def drawables(self, asset: AssetRef, library: AssetLibrary) -> Iterable[Drawable]:
        """Say which meshes an asset means, and with which material, to the pass that draws this feature."""
        return ()

    def view_projection(self, frame: FrameView) -> npt.NDArray[np.floating] | None:
        """Give the matrix from the world to clip space of what is shown, from the feature that decides it.

        Stored as in `engine.math`. What lies within is brought in before all that does not.
        """
        return None

    def frame_values(self, frame: FrameView) -> Mapping[str, npt.ArrayLike]:
        """Values for the members of the shaders' `Frame` block, by name.

        Called when a row of any feature or a transform has changed, once for all rows of this feature.
        A matrix is stored as in `engine.math`; a shorter vector leaves the rest of the member zero.
        """
        return {}

    def __repr__(self) -> str:
        return f"<feature {self.type_name}>"
