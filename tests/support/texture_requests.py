"""A memory user beside a scene that requests textures: pages fill, and get holes when it requests fewer."""

from __future__ import annotations

from collections.abc import Iterable

from engine.assets import AssetLibrary, AssetRef
from engine.feature.requirement_builders import texture_requirement
from engine.plan.requirements.requirements import Requirement
from engine.planning.scene import ScenePlanner

NORMAL, TANGENT, ROUGHNESS = (AssetRef(1, index) for index in (9, 10, 11))
"""Textures of one shape in the cube's database, two of which fill a page."""


class TextureRequests:
    """Requests the textures of the last call of `request`; a new `version` makes the planner plan again."""

    requester = "test"

    def __init__(self, planner: ScenePlanner, library: AssetLibrary) -> None:
        self._library = library
        self._textures: tuple[AssetRef, ...] = ()
        self.version = 0
        planner.others.append(self)

    def requirements(self) -> Iterable[Requirement]:
        return [texture_requirement(texture, self._library) for texture in self._textures]

    def request(self, *textures: AssetRef) -> None:
        """Request these textures, and no others."""
        self._textures, self.version = textures, self.version + 1
