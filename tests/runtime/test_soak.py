"""A scene that runs for long, with its camera moving and features switched off and on, grows by nothing."""

from __future__ import annotations

import gc
import math
import os
import threading
from dataclasses import dataclass

import psutil
import pytest

from engine.testing import OpenedScene, open_scene

pytestmark = pytest.mark.gpu

FRAMES = 20_000
WARM_UP = 4_000
SWITCH_EVERY = 50
SWITCHES = (
    "cube.shadowCaster.enabled",
    "cube.shadowCaster.active",
    "cube.visibleModel.enabled",
    "ground.visibleModel.active",
    "sun.light.enabled",
)
ROUND = 2 * len(SWITCHES) * SWITCH_EVERY
"""Frames after which every switch was off and on again."""
MAY_GROW = 4 << 20
"""Bytes of resident memory that the allocators of Python and drivers may keep over 16,000 frames."""


@dataclass(frozen=True, slots=True)
class Held:
    """What must not grow: planned and live bytes, Vulkan objects, open files and threads."""

    planned: int
    live: int
    objects: dict[str, int]
    files: int
    threads: int


def held(scene: OpenedScene) -> Held:
    objects, memory = scene.host.objects(), scene.memory
    files = len(os.listdir("/proc/self/fd"))
    return Held(memory.planned, memory.live, objects, files, threading.active_count())


def resident() -> int:
    gc.collect()
    return int(psutil.Process().memory_info().rss)


def switch(scene: OpenedScene, frame: int) -> None:
    """Switch one feature off, and 50 frames later on, one after the other."""
    number, is_on = divmod(frame // SWITCH_EVERY, 2)
    scene.set(f"{SWITCHES[number % len(SWITCHES)]}={'true' if is_on else 'false'}")


def move(scene: OpenedScene, frame: int) -> None:
    """Move the camera on a circle about where it stands."""
    angle = frame * 2 * math.pi / 997
    scene["camera"].translation = (3.0 + math.sin(angle), 2.0 + 0.5 * math.cos(angle), 4.0)


def test_no_frame_leaves_memory_behind_in_the_driver() -> None:
    """Drivers in software keep what they compile again: 77 MiB in these frames, where a uniform decides."""
    with open_scene("scenes/cube.hu", size=(16, 16)) as scene:
        for _ in range(20):
            scene.step()
        before = resident()
        for frame in range(100):
            move(scene, frame)
            scene.step()
        assert resident() - before <= MAY_GROW


@pytest.mark.proof
@pytest.mark.timeout(1200)
def test_20_000_frames_with_a_moving_camera_and_switched_features_grow_by_nothing() -> None:
    with open_scene("scenes/cube.hu", size=(64, 64), validate=True, own_device=True) as scene:
        rounds: list[Held] = []
        sizes: list[int] = []
        for frame in range(FRAMES + 1):
            if frame % ROUND == 0 and frame >= WARM_UP:
                scene.settle()
                rounds.append(held(scene))
                sizes.append(resident())
            if frame % SWITCH_EVERY == 0 and frame < FRAMES:
                switch(scene, frame)
            move(scene, frame)
            scene.step()
        print([(size - sizes[0]) >> 10 for size in sizes], "KiB;", rounds[-1])
        assert set(map(repr, rounds)) == {repr(rounds[0])}
        assert rounds[0].planned == rounds[0].live
        assert max(sizes) - sizes[0] <= MAY_GROW
        assert scene.messages == ()
        instance = scene.host.runtime.instance  # type: ignore[attr-defined]
    assert instance.handles.left_behind == 0
