"""A change of the plan in words has bytes, allocations, bits and names; devices are planned one by one."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from support.random_scenes import profile
from support.scenes import CUBE

from engine.assets import open_library
from engine.plan.model.plan_change import PlanChange, UsageChange
from engine.plan.profile.device_profile import USABLE_SHARE
from engine.plan.profile.profile_file import read_profile
from engine.plan.terms.errors import PlanError
from engine.planning.scene import ScenePlanner
from engine.planning.what_if.what_if import Outcome
from engine.scene import load_scene
from viewer.panels.what_if.change_text import MAX_LINES, change_lines, change_title, outcome_lines
from viewer.panels.what_if.other_devices import GIB, OtherDevices, as_card, problem_of

MIB = 1 << 20


def test_a_change_is_read_in_a_line() -> None:
    assert change_title(PlanChange(-16 * MIB, -1, -1)) == "-16.0 MiB, -1 allocation"
    assert change_title(PlanChange(16 * MIB, 2, 2)) == "+16.0 MiB, +2 allocations"
    assert change_title(PlanChange(0, 0, 0)) == "no change of memory"
    assert change_title(PlanChange(0, 0, 0, waiting_bytes=5)) == "0 B"


def test_a_change_names_bits_and_keys_and_counts_the_rest() -> None:
    bits = UsageChange(7, "rock.png", ("storage",), ("sampled",))
    keys = np.arange(MAX_LINES + 3)
    change = PlanChange(
        -4 * MIB,
        0,
        0,
        waiting_bytes=MIB,
        short=1,
        lost=keys,
        lost_bytes=4 * MIB,
        moved=2,
        renewed=1,
        usages=(bits,),
    )
    assert change_lines(change, lambda key: f"key {key}") == (
        "-4.00 MiB",
        "1.00 MiB more are returned after a while",
        "+storage -sampled on rock.png",
        f"-{MAX_LINES + 3} blocks, 4.00 MiB:",
        *(f"    key {number}" for number in range(MAX_LINES)),
        "    and 3 more",
        "2 blocks copied to other places in memory",
        "1 block created again, nothing is copied",
        "1 more block does not fit and is left out",
    )
    assert outcome_lines(None, str) == ("...",)
    error = PlanError("plan.budget", "heap 0 cannot hold it")
    assert outcome_lines(Outcome(None, None, error), str) == ("does not fit:", "heap 0 cannot hold it")


def test_a_card_has_its_memory_and_leaves_some_to_others() -> None:
    device = profile("discrete-window")
    for size in (64 * MIB, 4 * GIB, 16 * GIB):
        card = as_card(device, size)
        local = [n for n, heap in enumerate(card.heaps) if heap.device_local]
        largest = max(local, key=lambda n: device.heaps[n].size)
        assert card.heaps[largest].size == size
        assert all(card.budget(n) == int(card.heaps[n].size * USABLE_SHARE) for n in local)
        others = [n for n, heap in enumerate(card.heaps) if not heap.device_local]
        assert [card.budget(n) for n in others] == [device.budget(n) for n in others]


def test_devices_are_planned_in_turn_and_go_stale_with_the_scene() -> None:
    scene = load_scene(CUBE)
    with open_library(scene.dbs) as library:
        planner = ScenePlanner(
            scene.tableau, scene.registry, library, profile("discrete-window"), (1920, 1080)
        )
        scene.tableau.update_world()
        plan = planner.plan(planner.needs())
        devices = OtherDevices(scene.tableau, lambda: planner, lambda: plan)
        by_title = {candidate.title: candidate for candidate in devices.candidates}
        assert "as a 4 GiB card" in by_title
        assert "nvidia-h200" in by_title
        wanted = [by_title["as a 4 GiB card"], by_title["nvidia-h200"]]
        for candidate in wanted:
            devices.begin(candidate)
        while devices.is_working:
            devices.advance()
        for candidate in wanted:
            assert problem_of(candidate.outcome) == ""
            assert not devices.is_stale(candidate)
            alone = ScenePlanner(scene.tableau, scene.registry, library, candidate.planned, (1920, 1080))
            expected = alone.plan(alone.needs())
            assert candidate.outcome.plan.planned_bytes == expected.planned_bytes
        tiny = by_title["coarse"]
        tiny.profile = lambda: as_card(profile("discrete-window"), 8 * MIB).limited(8 * MIB)
        devices.begin(tiny)
        while devices.is_working:
            devices.advance()
        assert problem_of(tiny.outcome)
        plan = planner.plan(planner.needs(), plan)
        assert all(devices.is_stale(candidate) for candidate in wanted)
        tiny.profile = partial(read_profile, Path("nowhere.json"))
        with pytest.raises(PlanError, match="nowhere"):
            devices.begin(tiny)
