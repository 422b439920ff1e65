"""Scripted scene tests: open a scene, change it, and assert on its plan, its GPU memory and its pixels.

    from engine.testing import MIB, assert_freed, open_scene

    with open_scene("scenes/cube.hu", size=(320, 240)) as scene:
        before = scene.memory
        scene["cube"].shadowCaster.active = False
        scene.settle()
        assert_freed(before, scene.memory, "shadowMap")
        assert scene.memory.peak <= 512 * MIB
        scene.frame()                       # uint8[240, 320, 4]

The stable API is every name in `__all__`, and of an `OpenedScene`: `scene[path]`, `set`, `step`, `settle`,
`frame`, `resize`, `limit_budget`, `compaction`, `compact`, `close`, `size`, `time`, `seed`, `random`, `plan`,
`plan_text`, `memory`, `schedule`, `problems`, `messages`, `frames`, `has_pixels`, `driver`, `profile`,
`document`, `tableau`. Everything else (`scene.host`, the modules in this package) may change.

Each name is imported on first use, so the pytest plugin adds almost nothing to a run without scene tests.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.testing.assertions.frame_time_assertions import assert_no_hitch
    from engine.testing.assertions.memory_assertions import (
        assert_freed,
        assert_memory,
        assert_no_growth,
        assert_nothing_live,
        assert_usages,
    )
    from engine.testing.assertions.pixel_assertions import (
        assert_changed,
        assert_changed_only_inside,
        assert_color,
        assert_looks_same,
        assert_same_pixels,
    )
    from engine.testing.assertions.plan_assertions import (
        assert_not_planned,
        assert_plan_rows,
        assert_planned,
        assert_same_plan,
    )
    from engine.testing.assertions.problem_assertions import assert_problems, assert_silent
    from engine.testing.assertions.schedule_assertions import assert_no_upload, assert_schedule
    from engine.testing.comparison.pictures import Tolerance
    from engine.testing.goldens.goldens import Goldens
    from engine.testing.scene.fault_injection import Faults
    from engine.testing.scene.frame import Box, Frame
    from engine.testing.scene.memory_facts import AssetMemory, HeapMemory, MemoryFacts
    from engine.testing.scene.opening import open_scene
    from engine.testing.scene.profiles import profile_names
    from engine.testing.scene.scene import NotSettled, OpenedScene
    from engine.testing.scene.schedule_facts import ScheduleFacts
    from engine.testing.scene.simulated_host import NoPixels
    from engine.testing.scripts.script import ScriptFailed, load_script, run_script

MIB = 1 << 20

_MODULES = {
    "assert_no_hitch": "assertions.frame_time_assertions",
    "assert_freed": "assertions.memory_assertions",
    "assert_memory": "assertions.memory_assertions",
    "assert_no_growth": "assertions.memory_assertions",
    "assert_nothing_live": "assertions.memory_assertions",
    "assert_usages": "assertions.memory_assertions",
    "assert_changed": "assertions.pixel_assertions",
    "assert_changed_only_inside": "assertions.pixel_assertions",
    "assert_color": "assertions.pixel_assertions",
    "assert_looks_same": "assertions.pixel_assertions",
    "assert_same_pixels": "assertions.pixel_assertions",
    "assert_not_planned": "assertions.plan_assertions",
    "assert_plan_rows": "assertions.plan_assertions",
    "assert_planned": "assertions.plan_assertions",
    "assert_same_plan": "assertions.plan_assertions",
    "assert_problems": "assertions.problem_assertions",
    "assert_silent": "assertions.problem_assertions",
    "assert_no_upload": "assertions.schedule_assertions",
    "assert_schedule": "assertions.schedule_assertions",
    "Faults": "scene.fault_injection",
    "profile_names": "scene.profiles",
    "ScriptFailed": "scripts.script",
    "load_script": "scripts.script",
    "run_script": "scripts.script",
    "NoPixels": "scene.simulated_host",
    "Box": "scene.frame",
    "Frame": "scene.frame",
    "AssetMemory": "scene.memory_facts",
    "HeapMemory": "scene.memory_facts",
    "MemoryFacts": "scene.memory_facts",
    "ScheduleFacts": "scene.schedule_facts",
    "open_scene": "scene.opening",
    "NotSettled": "scene.scene",
    "OpenedScene": "scene.scene",
    "Goldens": "goldens.goldens",
    "Tolerance": "comparison.pictures",
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
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"engine.testing.{module}"), name)
