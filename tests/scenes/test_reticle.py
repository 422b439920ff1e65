"""Claims about reticles: where they are, how sharp they are, and that they come and go with their memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.overlays import box, faults, opened, runtime, shown

from features.overlays.reticle import Reticle

pytestmark = pytest.mark.gpu

CROSS = "reticle  size: 12  thickness: 2  gap: 3  opacity: 1"


def cross(size: int, thickness: int, gap: int, width: int, height: int) -> np.ndarray:
    """Where a cross is in a picture of even sides, for even numbers."""
    across, down = abs(np.arange(width) + 0.5 - width / 2), abs(np.arange(height) + 0.5 - height / 2)
    thin, long = thickness / 2, (gap, size / 2)
    in_row = (down[:, None] < thin) & (across > long[0]) & (across < long[1])
    in_column = (across < thin) & (down[:, None] > long[0]) & (down[:, None] < long[1])
    return in_row | in_column


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_a_cross_has_no_half_covered_pixel_at_any_content_scale(tmp_path: Path, scale: float) -> None:
    with opened(tmp_path, CROSS) as scene:
        runtime(scene).content_scale = scale
        picture = shown(scene)
        expected = cross(*(int(scale * n) for n in (12, 2, 3)), 64, 48)
        assert ((picture == 255) == expected[:, :, None]).all()
        assert ((picture == 0) == ~expected[:, :, None]).all()
        assert faults(scene) == []


@pytest.mark.parametrize(
    ("thickness", "size", "scale"),
    [(1, (64, 48), 1.0), (1, (63, 47), 1.0), (2, (63, 48), 1.5), (2, (64, 47), 1.25)],
)
def test_lines_lie_between_pixels_whatever_the_size_of_the_picture(tmp_path, thickness, size, scale) -> None:
    with opened(tmp_path, f"reticle  size: 13  thickness: {thickness}  gap: 3  opacity: 1", size) as scene:
        runtime(scene).content_scale = scale
        levels = set(np.unique(shown(scene)).tolist())
        assert levels == {0, 255}


def test_a_circle_is_round_and_a_dot_is_filled(tmp_path: Path) -> None:
    with opened(tmp_path, "reticle  kind: circle  size: 30  thickness: 2  opacity: 1") as scene:
        away = np.hypot(*(np.indices((48, 64)) + 0.5 - np.array([24, 32])[:, None, None]))
        bright = shown(scene)[:, :, 0]
        assert (bright[(away > 13.6) & (away < 14.4)] == 255).all()
        assert (bright[(away < 12.4) | (away > 15.6)] == 0).all()
        scene["camera/over"].reticle.kind = "dot"
        bright = shown(scene)[:, :, 0]
        assert (bright[away < 14.4] == 255).all()
        assert (bright[away > 15.6] == 0).all()


def test_it_stands_out_from_white_by_its_dark_edge(tmp_path: Path) -> None:
    with opened(tmp_path, CROSS) as scene:
        scene.set("camera.camera.background=[1 1 1]")
        edged = shown(scene)
        assert edged.min() < 200
        scene.set("camera/over.reticle.outline=0")
        assert (shown(scene) == 255).all()


def test_it_is_in_the_middle_of_the_viewport(tmp_path: Path) -> None:
    with opened(tmp_path, CROSS) as scene:
        assert box(shown(scene)[:, :, 0] > 0) == (26, 18, 12, 12)
        scene.set("camera.camera.viewport=[0.5 0 0.5 0.5]")
        assert box(shown(scene)[:, :, 0] > 0) == (42, 6, 12, 12)


def test_it_is_shown_with_its_own_camera_alone(tmp_path: Path) -> None:
    with opened(tmp_path, CROSS) as scene:
        second = scene.tableau.add_object("second", features={"camera": {"background": (0.0, 0.0, 0.0)}})
        scene.settle()
        assert shown(scene).any()
        scene["camera"].camera.enabled = False
        assert not shown(scene).any()
        scene.tableau.add_object("dot", second, features={"reticle": {"kind": "dot", "size": 4.0}})
        scene.settle()
        assert box(shown(scene)[:, :, 0] > 0) == (30, 22, 4, 4)
        second.camera.enabled = False  # the default view is no camera's
        assert len(np.unique(shown(scene).reshape(-1, 3), axis=0)) == 1


def test_one_on_the_object_of_the_camera_is_shown_and_one_beside_it_is_not(tmp_path: Path) -> None:
    with opened(tmp_path, "reticle  enabled: false") as scene:
        scene.tableau.add_object("beside", features={"reticle": {}})
        scene.settle()
        assert not shown(scene).any()
        scene.tableau.add_object("eye", features={"camera": {"background": (0.0, 0.0, 0.0)}, "reticle": {}})
        scene["camera"].camera.enabled = False
        scene.settle()
        assert shown(scene).any()


def test_disabled_it_keeps_its_memory_and_inactive_it_has_none(tmp_path: Path) -> None:
    with opened(tmp_path, CROSS) as scene:
        picture, plan = shown(scene), scene.plan
        reticle = scene["camera/over"].reticle
        reticle.enabled = False
        assert not shown(scene).any()
        assert scene.plan is plan
        reticle.active = False
        scene.settle()
        assert not shown(scene).any()
        assert scene.memory.live == scene.memory.planned
        assert "reticle" not in {row.pass_name for row in scene.plan.pipelines}
        assert "reticles" not in str(scene.plan)
        reticle.active = reticle.enabled = True
        scene.settle()
        assert (shown(scene) == picture).all()
        assert scene.memory.live == scene.memory.planned


def test_while_only_other_things_change_it_is_not_asked(tmp_path: Path, monkeypatch) -> None:
    asked = []
    own = Reticle.buffer_values
    monkeypatch.setattr(Reticle, "buffer_values", lambda self, frame: asked.append(1) or own(self, frame))
    with opened(tmp_path, CROSS) as scene:
        scene.frame()
        before = len(asked)
        scene["camera"].translation = (1, 2, 3)
        scene.frame()
        scene.frame()
        assert len(asked) == before
        scene["camera/over"].reticle.size = 20.0
        scene.frame()
        assert len(asked) == before + 1
