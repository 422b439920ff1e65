"""Scripted scene tests: open a scene, change it, and assert on its plan, its GPU memory and its pixels.

    from engine.testing import MIB, assert_freed, open_scene

    with open_scene("scenes/cube.hu", size=(320, 240)) as scene:
        before = scene.memory
        scene["cube"].shadowCaster.active = False
        scene.settle()
        assert_freed(before, scene.memory, "shadowMap")
        assert scene.memory.peak <= 512 * MIB
        scene.frame()                       # uint8[240, 320, 4]

Stable, and meant to be built on: every name that this module gives. Of an `OpenedScene`: `scene[path]`,
`set`, `step`, `settle`, `frame`, `resize`, `limit_budget`, `close`, `size`, `time`, `seed`, `random`, `plan`,
`plan_text`, `memory`, `schedule`, `problems`, `messages`, `frames`, `has_pixels`, `driver`, `profile`,
`document`, `tableau`. What lies behind (`scene.host`, and modules that are not named here) may change.

Nothing is imported before it is asked for: the pytest plugin costs a run that tests no scene next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.testing.frame import Box, Frame
    from engine.testing.memory import AssetMemory, HeapMemory, MemoryFacts
    from engine.testing.opening import open_scene
    from engine.testing.scene import NotSettled, OpenedScene
    from engine.testing.schedule import ScheduleFacts

MIB = 1 << 20

_HOMES = {
    "Box": "frame",
    "Frame": "frame",
    "AssetMemory": "memory",
    "HeapMemory": "memory",
    "MemoryFacts": "memory",
    "ScheduleFacts": "schedule",
    "open_scene": "opening",
    "NotSettled": "scene",
    "OpenedScene": "scene",
}

__all__ = [
    "MIB",
    "AssetMemory",
    "Box",
    "Frame",
    "HeapMemory",
    "MemoryFacts",
    "NotSettled",
    "OpenedScene",
    "ScheduleFacts",
    "open_scene",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"engine.testing.{home}"), name)
