"""Something beside a scene that asks for textures: pages fill, and have holes when it asks for fewer."""

from __future__ import annotations

from collections.abc import Iterable

from engine.assets import AssetLibrary, AssetRef
from engine.feature.requirement_builders import texture_requirement
from engine.plan.requirements.requirements import Requirement
from engine.planning.scene import ScenePlanner

NORMAL, TANGENT, ROUGHNESS = (AssetRef(1, index) for index in (9, 10, 11))
"""Textures of one shape in the cube's database, two of which fill a page."""


class Wants:
    """Asks for what it was told to; `version` tells the planner that this has changed."""

    requester = "test"

    def __init__(self, planner: ScenePlanner, library: AssetLibrary) -> None:
        self._library = library
        self._textures: tuple[AssetRef, ...] = ()
        self.version = 0
        planner.others.append(self)

    def requirements(self) -> Iterable[Requirement]:
        return [texture_requirement(texture, self._library) for texture in self._textures]

    def ask(self, *textures: AssetRef) -> None:
        """Want these textures, and no others."""
        self._textures, self.version = textures, self.version + 1
