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
`set`, `step`, `settle`, `frame`, `resize`, `limit_budget`, `compaction`, `compact`, `close`, `size`, `time`,
`seed`, `random`, `plan`, `plan_text`, `memory`, `schedule`, `problems`, `messages`, `frames`, `has_pixels`,
`driver`, `profile`, `document`, `tableau`. What lies behind (`scene.host`, and modules that are not
named here) may change.

Nothing is imported before it is asked for: the pytest plugin costs a run that tests no scene next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.testing.assertions.frames import assert_no_hitch
    from engine.testing.assertions.memory import (
        assert_freed,
        assert_memory,
        assert_no_growth,
        assert_nothing_live,
        assert_usages,
    )
    from engine.testing.assertions.pixels import (
        assert_changed,
        assert_changed_only_inside,
        assert_color,
        assert_looks_same,
        assert_same_pixels,
    )
    from engine.testing.assertions.plan import (
        assert_not_planned,
        assert_plan_rows,
        assert_planned,
        assert_same_plan,
    )
    from engine.testing.assertions.problems import assert_problems, assert_silent
    from engine.testing.assertions.schedule import assert_no_upload, assert_schedule
    from engine.testing.faults import Faults
    from engine.testing.frame import Box, Frame
    from engine.testing.goldens import Goldens
    from engine.testing.memory import AssetMemory, HeapMemory, MemoryFacts
    from engine.testing.opening import open_scene
    from engine.testing.pictures import Tolerance
    from engine.testing.profiles import profile_names
    from engine.testing.scene import NotSettled, OpenedScene
    from engine.testing.schedule import ScheduleFacts
    from engine.testing.script import ScriptFailed, load_script, run_script
    from engine.testing.simulated import NoPixels

MIB = 1 << 20

_HOMES = {
    "assert_no_hitch": "assertions.frames",
    "assert_freed": "assertions.memory",
    "assert_memory": "assertions.memory",
    "assert_no_growth": "assertions.memory",
    "assert_nothing_live": "assertions.memory",
    "assert_usages": "assertions.memory",
    "assert_changed": "assertions.pixels",
    "assert_changed_only_inside": "assertions.pixels",
    "assert_color": "assertions.pixels",
    "assert_looks_same": "assertions.pixels",
    "assert_same_pixels": "assertions.pixels",
    "assert_not_planned": "assertions.plan",
    "assert_plan_rows": "assertions.plan",
    "assert_planned": "assertions.plan",
    "assert_same_plan": "assertions.plan",
    "assert_problems": "assertions.problems",
    "assert_silent": "assertions.problems",
    "assert_no_upload": "assertions.schedule",
    "assert_schedule": "assertions.schedule",
    "Faults": "faults",
    "profile_names": "profiles",
    "ScriptFailed": "script",
    "load_script": "script",
    "run_script": "script",
    "NoPixels": "simulated",
    "Box": "frame",
    "Frame": "frame",
    "AssetMemory": "memory",
    "HeapMemory": "memory",
    "MemoryFacts": "memory",
    "ScheduleFacts": "schedule",
    "open_scene": "opening",
    "NotSettled": "scene",
    "OpenedScene": "scene",
    "Goldens": "goldens",
    "Tolerance": "pictures",
}

__all__ = [
    "MIB",
    "AssetMemory",
    "Box",
    "Faults",
    "Frame",
    "Goldens",
    "HeapMemory",
    "MemoryFacts",
    "NoPixels",
    "NotSettled",
    "OpenedScene",
    "ScheduleFacts",
    "ScriptFailed",
    "Tolerance",
    "assert_changed",
    "assert_changed_only_inside",
    "assert_color",
    "assert_freed",
    "assert_looks_same",
    "assert_memory",
    "assert_no_growth",
    "assert_no_hitch",
    "assert_no_upload",
    "assert_not_planned",
    "assert_nothing_live",
    "assert_plan_rows",
    "assert_planned",
    "assert_problems",
    "assert_same_pixels",
    "assert_same_plan",
    "assert_schedule",
    "assert_silent",
    "assert_usages",
    "load_script",
    "open_scene",
    "profile_names",
    "run_script",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"engine.testing.{home}"), name)
