"""Bookmarks of the camera, by scene: where it was, kept in the preferences of the user."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from engine.humon import Node, integer, number, required, text, vector

MAX_SCENES = 32
"""Scenes with bookmarks that are kept: those in which one was set last."""
MAX_PLACES = 4
_FARTHEST = 1e9


@dataclass(frozen=True, slots=True)
class Bookmark:
    """A place of a camera, in the space of its parent: metres and radians.

    `height` is that of an orthographic picture, 0 in a perspective.
    """

    number: int
    target: tuple[float, float, float]
    yaw: float
    pitch: float
    distance: float
    height: float


@dataclass(frozen=True, slots=True)
class SceneBookmarks:
    """The bookmarks of one scene, which is a file, absolute."""

    scene: str
    places: tuple[Bookmark, ...]


AllBookmarks = tuple[SceneBookmarks, ...]


def places_of(kept: AllBookmarks, scene: str) -> tuple[Bookmark, ...]:
    """Return the bookmarks of a scene."""
    return next((each.places for each in kept if each.scene == scene), ())


def with_place(kept: AllBookmarks, scene: str, place: Bookmark) -> AllBookmarks:
    """Return bookmarks with one more in place of that of its number; its scene comes first."""
    others = tuple(each for each in places_of(kept, scene) if each.number != place.number)
    places = tuple(sorted((*others, place), key=lambda each: each.number))[:MAX_PLACES]
    rest = tuple(each for each in kept if each.scene != scene)
    return (SceneBookmarks(scene, places), *rest)[:MAX_SCENES]


def written(kept: AllBookmarks) -> list[dict[str, object]]:
    """Return bookmarks as values for the writer of Humon."""
    return [
        {
            "scene": each.scene,
            "places": [
                {
                    "number": place.number,
                    "target": list(place.target),
                    "turned": [place.yaw, place.pitch],
                    "distance": place.distance,
                    "height": place.height,
                }
                for place in each.places
            ],
        }
        for each in kept
    ]


def read(nodes: Iterable[Node]) -> AllBookmarks:
    """Return the bookmarks that were written. Raises InputError for anything else."""
    return tuple(
        SceneBookmarks(text(required(node, "scene")), tuple(map(_place, required(node, "places"))))
        for node in list(nodes)[:MAX_SCENES]
    )


def _place(node: Node) -> Bookmark:
    x, y, z = vector(required(node, "target"), 3)
    yaw, pitch = vector(required(node, "turned"), 2)
    return Bookmark(
        integer(required(node, "number"), 1, MAX_PLACES),
        (x, y, z),
        yaw,
        pitch,
        number(required(node, "distance"), 1e-9, _FARTHEST),
        number(required(node, "height"), 0.0, _FARTHEST),
    )
