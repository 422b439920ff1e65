"""From the world to the window and back: where the picture lies, and how its camera sees."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.feature import Feature, FrameView, View
from engine.feature.fault import Raised
from engine.planning.values import scene_view
from viewer.session.session import Rectangle

if TYPE_CHECKING:
    from engine.runtime.runtime import Runtime

Doubles = NDArray[np.float64]
NEAREST = 1e-4
"""Points whose clip-space w is less are behind the eye; lines are cut there."""


def picture_place(area: Rectangle, size: tuple[int, int]) -> Rectangle:
    """Return where a picture of `size` pixels is shown in an area: the largest place with its proportions."""
    x0, y0, x1, y1 = area
    width, height = max(x1 - x0, 1e-3), max(y1 - y0, 1e-3)
    scale = min(width / max(size[0], 1), height / max(size[1], 1))
    across, down = size[0] * scale, size[1] * scale
    if width - across <= 1 and height - down <= 1:
        return area
    x, y = x0 + (width - across) / 2, y0 + (height - down) / 2
    return x, y, x + across, y + down


@dataclass(frozen=True, eq=False)
class ViewSpace:
    """A picture in the window.

    Attributes
    ----------
    view : View
        How the camera sees.
    place : (x0, y0, x1, y1)
        Where the picture is shown, in points of the window.
    size : (int, int)
        Its width and height in pixels.
    """

    view: View
    place: Rectangle
    size: tuple[int, int]

    @cached_property
    def _matrix(self) -> Doubles:
        return self.view.view_projection.astype(np.float64)

    @property
    def is_parallel(self) -> bool:
        """Whether it is an orthographic picture."""
        return self.view.half_size[2] == 0.0

    def project(self, points: Doubles) -> tuple[Doubles, Doubles]:
        """Return where points of the world, [..., 3], are in the window, [..., 2] in points, and their w.

        Those with a w below NEAREST are behind the eye, and their places mean nothing.
        """
        clip = (points - self.view.origin) @ self._matrix[:3] + self._matrix[3]
        w = clip[..., 3]
        return self._on_window(clip[..., :2] / np.maximum(w, NEAREST)[..., None]), w

    def pixel_at(self, x: float, y: float) -> tuple[int, int] | None:
        """Return the pixel of the picture at a point of the window; None beside the picture."""
        x0, y0, x1, y1 = self.place
        if not (x0 <= x < x1 and y0 <= y < y1):
            return None
        across, down = (x - x0) / (x1 - x0) * self.size[0], (y - y0) / (y1 - y0) * self.size[1]
        return min(int(across), self.size[0] - 1), min(int(down), self.size[1] - 1)

    def plain_projection(self, distance: float) -> Doubles:
        """Return the matrix [4, 4] from the eye's space to a clip space with y up, and depth that rises.

        Its planes are near and far of what is `distance` metres away: for libraries that know no others.
        """
        found = np.linalg.inv(self.view.view_from_frame.astype(np.float64)) @ self._matrix
        found[:, 1] *= -1.0
        near, far = distance * 1e-2, distance * 1e2
        if self.is_parallel:
            near = -far
            found[:, 2] = 0.0, 0.0, -1.0 / (far - near), -near / (far - near)
        else:
            found[:, 2] = found[:, 3] * (far / (far - near))
            found[3, 2] -= far * near / (far - near)
        return found

    def _on_window(self, places: Doubles) -> Doubles:
        """From -1 to 1, y down, to points of the window."""
        x0, y0, x1, y1 = self.place
        low, size = np.array((x0, y0)), np.array((x1 - x0, y1 - y0))
        found: Doubles = low + (places + 1.0) * 0.5 * size
        return found


def view_space(runtime: Runtime, area: Rectangle) -> ViewSpace | None:
    """Return how the scene is seen now, shown in an area of the window; None where nothing views it.

    A camera that was moved since the last frame is where it will be in the next.
    """
    size = runtime.size
    runtime.tableau.update_world()
    view = scene_view(runtime.registry, FrameView(runtime.tableau, size, lambda _: None), _is_reported)
    return None if view is None else ViewSpace(view, picture_place(area, size), size)


def _is_reported(_feature: Feature, _error: Raised) -> None:
    """The runtime reports it when it draws the frame."""
