"""Claims about a camera that turns while its scene arrives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from engine.plan.terms.policy import Policy
from engine.testing import OpenedScene, assert_same_pixels, open_scene

pytestmark = pytest.mark.gpu
PLANE, LAST = "assetDb0 vertices 'plane'", "assetDb0 texture2d #11"
FAR = (50.0, 0.0, 0.0)


@contextmanager
def arriving(monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenedScene]:
    """A cube before the camera and a plane far away, arriving in cycles of 256 KiB, at most one a frame."""
    monkeypatch.setattr("engine.runtime.runtime.CHECK_INTERVAL", 1)
    with open_scene("scenes/cube.hu", size=(64, 48), settle=False, paging_cycles=1) as scene:
        scene.host.runtime.planner._policy = Policy(staging=1 << 18)  # type: ignore[attr-defined]
        scene["ground"].scale = (1, 1, 1)
        scene["ground"].translation = FAR
        yield scene


def arrived(scene: OpenedScene) -> list[str]:
    return [name for sent in scene.host.log for name in sent]


def until_a_texture_comes(scene: OpenedScene) -> None:
    while not any("texture2d #" in name for name in arrived(scene)):
        scene.step()


def turn(scene: OpenedScene) -> None:
    scene["camera"].translation = (FAR[0], 2, FAR[2] + 4)
    scene["camera"].euler = (-20, 0, 0)


def until_all_is_there(scene: OpenedScene) -> int:
    """Draw until everything has arrived; returns the total of bytes sent."""
    scene.step()
    while scene.schedule.left:
        scene.step()
    return sum(sum(sent.values()) for sent in scene.host.log)


def test_what_the_camera_turns_to_comes_before_what_it_has_left(monkeypatch: pytest.MonkeyPatch) -> None:
    with arriving(monkeypatch) as scene:
        sent = until_all_is_there(scene)
        assert arrived(scene).index(PLANE) > arrived(scene).index(LAST)
    with arriving(monkeypatch) as scene:
        until_a_texture_comes(scene)
        turn(scene)
        assert until_all_is_there(scene) == sent  # nothing was sent twice
        assert arrived(scene).index(PLANE) < arrived(scene).index(LAST)
        shown = scene.frame()
    with open_scene("scenes/cube.hu", size=(64, 48)) as whole:
        whole["ground"].scale, whole["ground"].translation = (1, 1, 1), FAR
        turn(whole)
        assert_same_pixels(whole.frame(), shown, levels=0, share=0)


def test_a_camera_that_never_rests_lets_its_scene_arrive(monkeypatch: pytest.MonkeyPatch) -> None:
    with arriving(monkeypatch) as scene:
        schedules = []
        while len(schedules) < 5 or scene.schedule.left:
            turn(scene)
            if len(schedules) % 2:
                scene["camera"].translation, scene["camera"].euler = (3.4, 2.6, 5.4), (-20.1, 32.1, 0)
            scene.step()
            schedules.append(scene.host.runtime.schedule)
            assert len(schedules) < 400
        assert 1 < len(set(map(id, schedules))) <= 1 + len(scene.host.log)
