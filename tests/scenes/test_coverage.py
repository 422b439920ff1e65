"""Claims about pixels that a triangle covers in part: they show what the triangle has where it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.panes import CORNERS, LIT, PANE, Panes, pane

from engine.testing import open_scene

pytestmark = pytest.mark.gpu

SIZE = (96, 96)
PANES = [(number % 4, number // 4) for number in range(16)]


@pytest.mark.parametrize("antialiasing", ["msaa2", "msaa4"])
def test_edges_do_not_show_what_a_picture_of_several_parts_has_beside_theirs(
    root: Path, tmp_path: Path, antialiasing: str
) -> None:
    panes = Panes(root, tmp_path)
    atlas = np.zeros((64, 64, 4), np.uint8)
    atlas[:, :32], atlas[:, 32:] = (0, 0, 255, 255), (255, 0, 0, 255)
    Image.fromarray(atlas).save(tmp_path / "atlas.png")
    left = CORNERS.replace("[1 ", "[0.488 ").replace("[0 ", "[0.012 ")
    (tmp_path / "pane.mesh.hu").write_text(PANE.replace(CORNERS, left))
    objects = "".join(
        pane(
            f"p{number}",
            "blue",
            f"translation: [{0.45 * x - 0.68:.2f} {0.45 * y - 0.66:.2f} 0]"
            f"  euler: [0 0 {7 + 21 * number}]  scale: [0.15 0.15 1]",
        )
        for number, (x, y) in enumerate(PANES)
    )
    texture = "{ @type: texture2d  name: atlas  source: atlas.png  mipLevels: 1 }"
    path = panes.scene({"blue": "textures: { albedo: atlas }"}, objects + LIT, texture)
    settings = [f"camera.camera.antialiasing={antialiasing}"]
    with open_scene(path, size=SIZE, settings=settings) as scene:
        assert scene.problems == ()
        picture = scene.frame()[..., :3].astype(int)
    assert (picture[..., 2] > 128).sum() > 16 * 20, "the panes are there"
    assert picture[..., 0].max() < 60, f"{(picture[..., 0] >= 60).sum()} pixels show the other part"
