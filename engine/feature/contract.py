"""The contract of a feature: its record, the features it requires, its GPU requirements and its passes.

A feature is one file in `features/` with one subclass of `Feature`; nothing else changes:

    class ShadowCaster(Feature):
        \"\"\"The object casts a shadow.\"\"\"

        type_name = "shadowCaster"
        fields = (asset_field("asset", types=("model", "mesh"), help="what casts the shadow"),)

        def requirements(self, asset, library):
            yield Requirement(...)

        def passes(self, rows):
            return (SHADOW_PASS,)

A feature object holds no scene state: the registry creates one, which all tableaux share.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import chain
from operator import is_
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, ClassVar

from engine.assets import AssetType
from engine.feature.morphs import FIELD
from engine.feature.skins import BONES_BELOW
from engine.graph import DeclarationError, check
from engine.humon import suggestion
from engine.tableau.schema import FeatureSchema, FieldKind, FieldSpec

if TYPE_CHECKING:
    import numpy.typing as npt

    from engine.assets import AssetLibrary, AssetRef
    from engine.feature.drawable import Drawable
    from engine.feature.fault import Fault
    from engine.feature.frame import FeatureRows, FrameView, View
    from engine.feature.motion import Motion, MotionFrame
    from engine.graph import Pass
    from engine.plan.requirements.requirements import Requirement


class Feature:
    """Base of all features. Subclasses set the class attributes and override what they need.

    `requires` are the type names of features that must be on the same object, `conflicts` of those that must
    not; an object has at most one feature of each type. `at_most` is how many rows of a tableau may be active
    at the same time, 0 for any number: more are a warning, and the first of them count. A subclass without a
    `type_name` of its own is a helper for others and is not registered. An invalid declaration (two fields of
    one name, a default out of range) raises ValueError when the class is created, so at import.

    The first asset field names what a row draws. Of a later one that takes materials alone, the material
    replaces that of the model. A row without an asset draws what the feature `draws_as` draws on the same
    object.

    `asset_db` is a file beside the module with an assetDb, such as the shaders of its passes, which name them
    `DATABASE/NAME`. Every scene has it, after its own databases.

    `absent` says what a frame is like in which no row of the feature is enabled, for a warning; it is empty
    where that is nothing to warn of, and nothing is said while a row of a feature in `instead` is enabled.
    Objects with a feature that `bends` others are skinned: what these features draw there follows bones,
    which are objects below, or below the one that its field `bones`, a text, names. There is one such
    feature.
    Objects with a feature that `morphs` others draw these with the targets of their mesh, by the numbers in
    its field `weights`. There is one such feature.
    The passes of a feature `in_every_frame` are there without active rows.

    `buffers` are the names of storage buffers that any shader may read in set 0, as
    `readonly buffer Lights { Light row[]; } lights`: the feature fills the rows, by the names of members.
    `shaders` are shaders of its own, GLSL by NAME.vs, NAME.fs or NAME.cs, which may include the builtin ones;
    its passes name them TYPE/NAME.fs, with its type name.
    """

    type_name: ClassVar[str] = ""
    requires: ClassVar[tuple[str, ...]] = ()
    conflicts: ClassVar[tuple[str, ...]] = ()
    at_most: ClassVar[int] = 0
    asset_db: ClassVar[str] = ""
    fields: ClassVar[tuple[FieldSpec, ...]] = ()
    draws_as: ClassVar[str] = ""
    absent: ClassVar[str] = ""
    buffers: ClassVar[tuple[str, ...]] = ()
    shaders: ClassVar[Mapping[str, str]] = {}
    instead: ClassVar[tuple[str, ...]] = ()
    bends: ClassVar[tuple[str, ...]] = ()
    morphs: ClassVar[tuple[str, ...]] = ()
    in_every_frame: ClassVar[bool] = False
    _made: ClassVar[tuple[list[Any], FeatureSchema]]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "type_name" in cls.__dict__:
            cls._make_schema()

    @classmethod
    def _make_schema(cls) -> FeatureSchema:
        declared = [getattr(cls, name) for name in _DECLARED]
        values, schema = vars(cls).get("_made", ((), None))
        if schema is not None and all(map(is_, values, declared)):
            return schema  # type: ignore[no-any-return]
        about = inspect.getdoc(cls) or ""
        known = zip(_DECLARED, declared, strict=True)
        _check_declared(
            {name: value for name, value in known if name in _IN_SCHEMA or not isinstance(value, property)},
            cls.__qualname__,
        )
        schema = FeatureSchema(
            cls.type_name,
            tuple(cls.fields),
            tuple(cls.requires),
            about,
            cls.draws_as,
            tuple(cls.conflicts),
            cls.at_most,
        )
        cls._made = declared, schema
        return schema

    @cached_property
    def schema(self) -> FeatureSchema:
        """The feature's record as plain data, for the tableau, the loader and the inspector."""
        return self._make_schema()

    def check_declared(self) -> None:
        """Raise DeclarationError where the class attributes, or properties in their place, are impossible."""
        _check_declared({name: getattr(self, name) for name in _DECLARED}, type(self).__qualname__)

    def requirements(self, asset: AssetRef, library: AssetLibrary) -> Iterable[Requirement]:
        """Return what must be resident for one asset that this feature uses.

        Called once for each asset that an active row names; the engine adds these rows as requesters. It may
        be called on any thread, must not depend on a row and must not keep state.
        """
        return ()

    def passes(self, rows: FeatureRows) -> Sequence[Pass]:
        """Return the passes that this feature takes part in, for its active rows.

        Called again when a row has changed; equal passes are the same frame. The active rows of its features
        are the requesters of a pass's attachments and buffers. Where a pass of another feature names one that
        is not there, it is also called without rows, to learn whether it would be; it may raise then.
        """
        return ()

    def samples(self, rows: FeatureRows) -> int | None:
        """Return how many samples images with Samples.FRAME should have, if this feature says so.

        Called like `passes`. The first feature that says so decides, and the device which number is nearest.
        """
        return None

    def cubes(self, rows: FeatureRows) -> Mapping[str, AssetRef]:
        """Return the environments that passes sample, by the name in their CubeReads.

        Called like `passes` for the active rows, whose environment the plan shows as what passes bind, and
        for the enabled rows, whose environment they sample. It must be among the feature's requirements.
        Where several features give one name, the first one's is taken.
        """
        return {}

    def drawables(self, asset: AssetRef, library: AssetLibrary) -> Iterable[Drawable]:
        """Return the meshes of an asset, with their materials, for the pass that draws this feature."""
        return ()

    def view(self, frame: FrameView) -> View | None:
        """Return how the picture is viewed, if this feature defines it; `frame` has no view yet.

        The first view that a feature returns is that of the frame. Assets inside its frustum are transferred
        before all others.
        """
        return None

    def buffer_rows(self, rows: FeatureRows) -> Mapping[str, int]:
        """Return how many rows each of `buffers` holds at most: as many as are active, unless said here.

        Called like `passes`, and of a feature that `bends` or `morphs` others also when `rows.bones` or
        `rows.shapes` are others. A buffer is there while a shader reads it, with room for at least one row.
        """
        return dict.fromkeys(self.buffers, len(rows)) if self.buffers else {}

    def buffer_values(self, frame: FrameView) -> Mapping[str, Mapping[str, npt.ArrayLike]]:
        """Return the rows of `buffers`: by buffer and by member of its rows, one value for each row.

        Called as `frame_values` is. Rows and members without a value are zero. While the frame is that of an
        earlier plan without room for these rows, all that the feature gave last stays.
        """
        return {}

    def views(self, frame: FrameView) -> Mapping[str, Mapping[str, npt.ArrayLike]]:
        """Return the views that this feature makes: by the name that passes give, their own frame values.

        In such a view these stand in place of `frame_values` of the same names: of "viewProjection", say,
        which leads from the frame's space to the clip space of the view. The picture's view has the name "".
        In another view that no feature returns nothing is drawn: its images are only cleared. Called as
        `frame_values` is.
        """
        return {}

    def places(self, frame: FrameView) -> npt.ArrayLike:
        """Return where in the world the parts are of what it draws `among` others (`PrimitivePass`), [n, 3].

        In each view the farthest part is drawn first, and only the first n parts are drawn. They are where
        the objects of the enabled rows are, unless said here. Called as `frame_values` is.
        """
        return frame.world(frame.enabled(self.type_name).objects)[:, 3, :3]

    def animate(self, rows: FeatureRows, frame: MotionFrame) -> Motion | None:
        """Return how objects move as time passes, for the enabled rows: where they are at `frame.time`.

        Called once for all rows when the clock, a field, a row or the tree has changed. What it returns is
        drawn, and is neither saved nor set in the objects, which keep their own transforms: without an
        enabled row they are back there. Several features that move one object follow each other in the order
        of their names: each begins with what `frame` has of those before it. Nothing is planned again.
        """
        return None

    def faults(self, frame: FrameView) -> Iterable[Fault]:
        """Return what is wrong with enabled rows beyond what fields can say, each a warning at its line.

        The frame has no view. Called when problems are asked for and something has changed. What is wrong
        must not keep the feature from drawing the rest.
        """
        return ()

    def frame_values(self, frame: FrameView) -> Mapping[str, npt.ArrayLike]:
        """Values for members of the shaders' `Frame` block, by name.

        Called once for all rows of this feature, again only after something that it read through `frame` has
        changed: values must follow from nothing else.
        Matrices are stored as in `engine.math`; a shorter vector leaves the rest of the member zero.
        """
        return {}

    def __repr__(self) -> str:
        return f"<feature {self.type_name}>"


_NAMES = tuple[str, ...]
_DECLARED: Mapping[str, Any] = {
    "type_name": str,
    "requires": _NAMES,
    "conflicts": _NAMES,
    "at_most": int,
    "asset_db": str,
    "fields": tuple[FieldSpec, ...],
    "draws_as": str,
    "absent": str,
    "buffers": _NAMES,
    "shaders": Mapping,
    "instead": _NAMES,
    "bends": _NAMES,
    "morphs": _NAMES,
    "in_every_frame": bool,
}
_IN_SCHEMA = frozenset({"type_name", "requires", "conflicts", "at_most", "fields", "draws_as"})
"""What no property may stand for: it is read when the class is created."""
_FIELDS = {
    "bends": (BONES_BELOW, FieldKind.TEXT, f'text_field("{BONES_BELOW}", names=Names.OBJECT)'),
    "morphs": (FIELD, FieldKind.NUMBERS, f'numbers_field("{FIELD}")'),
}
"""The field that each of these members needs, its kind, and how it is declared."""


def _check_declared(values: Mapping[str, Any], owner: str) -> None:
    """Raise DeclarationError where members of a feature, by their names, are impossible."""
    for name, value in values.items():
        kind = _DECLARED[name]
        words = kind.__name__ if isinstance(kind, type) else kind
        whole = tuple(value) if isinstance(value, list) else value
        check(whole, kind, f"{name} of {owner}", f"a Feature has {name}: {words}")
    for problem, advice in chain(_name_faults(values, owner), _field_faults(values, owner)):
        raise DeclarationError(problem, advice)


def _name_faults(values: Mapping[str, Any], owner: str) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the names and numbers that a feature declares, with a hint."""
    own, requires, conflicts = (values[name] for name in ("type_name", "requires", "conflicts"))
    if own and not own.isidentifier():
        yield f"type_name of {owner} is {own!r}", "write letters, digits and _, and no digit first"
    for name, verb in (("requires", "requires"), ("conflicts", "conflicts with")):
        if own in values[name]:
            yield f"{own} {verb} itself", f"`{name}` names other features"
    for both in [name for name in requires if name in conflicts]:
        yield f"{own} requires {both} and conflicts with it", "leave it out of one of the two"
    if values["at_most"] < 0:
        yield f"at_most of {owner} is {values['at_most']}", "give how many may be active, 0 for any number"
    if values["draws_as"] and values["draws_as"] == own:
        yield f"{own} draws as itself", "`draws_as` names another feature, whose asset is drawn"
    beside = PurePath(values.get("asset_db", ""))
    if beside.is_absolute() or ".." in beside.parts:
        yield f"asset_db of {owner} is '{beside}'", "name a file beside the module, or in a folder below"
    buffers = list(values.get("buffers", ()))
    for number, buffer in enumerate(buffers):
        if not buffer.isidentifier():
            yield f"buffers[{number}] of {owner} is {buffer!r}", "give the name of a block in shaders"
        if buffer in buffers[:number]:
            yield f"{owner} has the buffer {buffer!r} twice", "give each buffer a name of its own"


def _field_faults(values: Mapping[str, Any], owner: str) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the fields that a feature declares, and which it lacks, with a hint."""
    fields: dict[str, FieldSpec] = {}
    for spec in values["fields"]:
        if spec.name in fields:
            yield f"{owner} has two fields {spec.name!r}", "give each field a name of its own"
        fields[spec.name] = spec
        for asset_type in spec.asset_types:
            if asset_type not in set(AssetType):
                yield (
                    f"the field {spec.name} of {owner} takes assets of the type '{asset_type}'",
                    suggestion(asset_type, AssetType),
                )
        if spec.kind is FieldKind.ASSET and not spec.asset_types:
            yield (
                f"the field {spec.name} of {owner} takes assets of no type",
                'give types, as ("mesh", "model")',
            )
    if values["draws_as"] and not any(spec.kind is FieldKind.ASSET for spec in values["fields"]):
        yield (
            f"{owner} draws as {values['draws_as']} and has no field for an asset of its own",
            'declare one, as asset_field("asset", types=("model",), optional=True)',
        )
    for member, (name, kind, advice) in _FIELDS.items():
        if values.get(member) and (name not in fields or fields[name].kind is not kind):
            is_one = (
                f"its field {name!r} is no {kind.value}" if name in fields else f"it has no field {name!r}"
            )
            yield f"{owner} has `{member}`, and {is_one}", f"declare the field {advice}"
