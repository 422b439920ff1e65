"""Claims about frames that follow each other while the camera moves: what rests in the world looks the same.

A map of the area that hangs on the world's origin is a view that rests: whatever the camera changes of shadow
maps, its picture is the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from engine.testing import OpenedScene, open_scene

pytestmark = pytest.mark.gpu

SIZE = (240, 160)
MAP = 140


def scene(cascades: int) -> str:
    casters = " ".join(
        f"c{x}x{z}: {{ translation: [{3.1 * x} 0.5 {-2.7 * z}] euler: [0 {37 * x + 11 * z} 0]"
        " features: [{ @type: visibleModel asset: [builtin placeholder] } { @type: shadowCaster }] }"
        for x in range(-3, 4)
        for z in range(-3, 20)
    )
    return f"""version: 1
tableau: {{ name: steady  objects: {{
    camera: {{ translation: [0.3 1.6 6] euler: [-12 4 0] features: [{{ @type: camera antialiasing: none }}]
        objects: {{ above: {{ features: [{{ @type: areaMap  extent: 14  size: {MAP}  follow: nothing
            marker: 0  radius: 0  border: 0  offsetX: 5  offsetY: 5  opacity: 1 }}] }} }} }}
    sun: {{ euler: [-41 -33 0] features: [{{ @type: light  cascades: {cascades}  shadowDistance: 24 }}] }}
    ground: {{ scale: [60 0.02 60] features: [{{ @type: visibleModel asset: [builtin placeholder] }}] }}
    {casters}
}} }}"""


def seen_from_above(shown: OpenedScene) -> np.ndarray:
    return shown.frame()[8 : MAP + 2, SIZE[0] - MAP - 2 : SIZE[0] - 8, :3].astype(np.int64)


@pytest.mark.parametrize(("cascades", "most"), [(1, 3), (3, 40)])
def test_shadows_rest_while_the_camera_moves(tmp_path: Path, cascades: int, most: int) -> None:
    """Where the border of a cascade passes a shadow becomes sharper, but none has holes."""
    path = tmp_path / "steady.hu"
    path.write_text(scene(cascades))
    with open_scene(path, size=SIZE) as shown:
        camera = shown["camera"]
        start = np.array(camera.translation)
        before = seen_from_above(shown)
        assert np.ptp(before[:, :, 0]) > 100  # shadows and light
        for moved in (0.0003, 0.01, 0.2, 0.5, 1.0, 2.0):
            camera.translation = start + np.array((moved, 0.0, -moved))
            assert np.abs(seen_from_above(shown) - before).max() <= most


def changes(pictures: Iterable[np.ndarray]) -> list[int]:
    """How many pixels change by more than 16 levels from each picture to the next."""
    return [int((np.abs(a - b).max(-1) > 16).sum()) for a, b in pairwise(pictures)]


@pytest.mark.parametrize(("cascades", "start", "end"), [(2, 21, 17), (3, 11, 6), (4, 7, 1)])
def test_no_shadow_jumps_while_the_camera_comes_near(
    tmp_path: Path, cascades: int, start: int, end: int
) -> None:
    """Up to 6 pixels change where borders of cascades pass, 71 to 210 did where maps grew in steps."""
    path = tmp_path / "steady.hu"
    path.write_text(scene(cascades))
    with open_scene(path, size=SIZE) as shown:
        pictures = []
        for away in np.arange(start, end, -0.5):
            shown["camera"].translation = (0.3, 1.6 + 0.2 * away, 6 + away)
            pictures.append(seen_from_above(shown))
    changed = changes(pictures)
    assert max(changed) <= 12, changed


def test_shadows_rest_while_another_caster_moves_away(tmp_path: Path) -> None:
    """Where the map holds all casters it grows in steps, of which there is one here at most."""
    path = tmp_path / "steady.hu"
    path.write_text(scene(1))
    with open_scene(path, size=SIZE) as shown:
        shown["sun"].light.shadowDistance = 200
        pictures = []
        for away in np.arange(40, 46, 0.4):
            shown["c3x19"].translation = (away, 0.5, -51.3)
            pictures.append(seen_from_above(shown))
    changed = changes(pictures)
    assert sum(count > 0 for count in changed) <= 1, changed
