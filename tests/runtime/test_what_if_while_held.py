"""What a switch would change is the change from what is wanted now, while that is held, loaded or spread."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from support.scenes import ROOT
from support.shared_runtime import shared_runtime
from support.switches import all_switches

from engine.assets import open_library
from engine.graph.view_mode import OUTLINED_PICTURE
from engine.plan.model.plan_change import PlanChange, plan_change
from engine.planning.what_if.twin_planner import Press
from engine.planning.what_if.what_if import WhatIf
from engine.runtime.options import RuntimeOptions
from engine.runtime.runtime import Runtime
from engine.scene import load_scene

pytestmark = pytest.mark.gpu


class Pointed:
    """A runtime, and what-ifs of it as the window makes them."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime, self.hold = runtime, runtime.hold
        of = runtime
        self.what_if = WhatIf(of.tableau, lambda: of.planner, lambda: of.hold.wanted, lambda: of.hold.moment)

    def foreseen(self, press: Press) -> PlanChange:
        self.what_if.press(press)
        for _ in range(1000):
            if not self.what_if.advance():
                break
        outcome = self.what_if.press(press)
        assert outcome is not None
        assert outcome.change is not None
        return outcome.change

    def press(self, press: Press) -> PlanChange:
        """Press a switch; the change of what is wanted."""
        before = self.hold.wanted.plan
        press.apply(self.runtime.tableau)
        self.runtime.frame()
        return plan_change(before, self.hold.wanted.plan)


@contextmanager
def pointed(scene_file: str = "tableau", **options: object) -> Iterator[Pointed]:
    scene = load_scene(ROOT / f"scenes/{scene_file}.hu")
    wanted = RuntimeOptions(size=(64, 48), paging_cycles=1, **options)
    with open_library(scene.dbs) as library, shared_runtime(scene, library, wanted) as runtime:
        yield Pointed(runtime)
        runtime.wait()


def assert_same(foreseen: PlanChange, real: PlanChange, press: Press) -> None:
    for name in ("bytes", "allocations", "resources", "heap_bytes", "waiting_bytes", "moved", "usages"):
        assert getattr(foreseen, name) == getattr(real, name), (name, press)
    assert np.array_equal(foreseen.gained, real.gained), press
    assert np.array_equal(foreseen.lost, real.lost), press


def feature(runtime: Runtime, path: str, name: str, value: bool) -> Press:
    return Press("active", value, (runtime.tableau[path].row,), name)


def test_every_switch_is_foreseen_while_others_pressed_before_are_held() -> None:
    with pointed() as one:
        runtime = one.runtime
        runtime.settle()
        runtime.hold.set(True)
        off = feature(runtime, "cube", "shadowCaster", False)
        assert_same(one.foreseen(off), one.press(off), off)
        one.foreseen(feature(runtime, "groundPlane", "visibleModel", False))
        off = feature(runtime, "cube", "visibleModel", False)
        assert_same(one.foreseen(off), one.press(off), off)
        seen = 0
        for first in all_switches(runtime.tableau):
            for press in (first, replace(first, value=not first.value)):
                foreseen = one.foreseen(press)
                assert_same(foreseen, one.press(press), press)
                seen += foreseen.bytes != 0
        assert seen > 8, "switches change bytes"


def test_what_is_foreseen_while_a_scene_loads_is_the_change_from_all_of_it() -> None:
    with pointed() as one:
        runtime = one.runtime
        runtime.frame()
        assert not runtime.memory.settled
        press = feature(runtime, "cube", "shadowCaster", False)
        foreseen = one.foreseen(press)
        runtime.frame()
        assert not runtime.memory.settled
        assert one.what_if.press(press) is not None, "a step that is carried out drops nothing"
        runtime.settle()
        assert_same(foreseen, one.press(press), press)
        runtime.settle()


def test_what_is_foreseen_after_a_plan_was_spread_is_the_change_from_it() -> None:
    with pointed(spreads=True) as one:
        runtime = one.runtime
        runtime.settle()
        first = feature(runtime, "cube", "shadowCaster", False)
        one.foreseen(first)
        runtime.spread.want()
        first.apply(runtime.tableau)
        runtime.frame()
        assert runtime.spread.is_busy
        press = feature(runtime, "groundPlane", "visibleModel", False)
        assert one.what_if.press(press) is None
        assert one.what_if.advance(), "it waits for the plan"
        runtime.settle()
        foreseen = one.foreseen(press)
        press.apply(runtime.tableau)
        before = runtime.plan
        runtime.settle()
        assert_same(foreseen, plan_change(before, runtime.plan), press)


def test_what_is_foreseen_while_held_counts_what_was_selected_since() -> None:
    with pointed() as one:
        runtime = one.runtime
        runtime.planner.watch(frozenset({OUTLINED_PICTURE.name}))
        runtime.settle()
        press = feature(runtime, "cube", "shadowCaster", False)
        one.foreseen(press)
        runtime.planner.choose(np.array([runtime.tableau["cube"].row], np.int32))
        runtime.settle()
        runtime.hold.set(True)
        off = feature(runtime, "groundPlane", "visibleModel", False)
        one.press(off)
        assert_same(one.foreseen(press), one.press(press), press)
