"""Waste is what no key has: bytes that images of a frame share are counted once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from support.plans import profile

from engine.plan.model.plan import _covered
from engine.planning.offline import plan_scene


def test_bytes_that_several_cover_count_once() -> None:
    rows = np.array([(1, 0), (1, 100), (1, 50), (2, 0), (1, 400)], [("allocation", "i8"), ("offset", "i8")])
    assert _covered(rows, np.array([100, 100, 100, 10, 1])) == 200 + 10 + 1
    assert _covered(rows[:0], np.array([], np.int64)) == 0


def test_the_waste_of_a_scene_whose_images_share_memory_is_what_is_not_covered(root: Path) -> None:
    plan = plan_scene(root / "scenes" / "tableau.hu", profile("lavapipe"), (160, 90)).plan
    resources = plan.memory.resources
    assert resources["aliased"].any()
    filled = plan.filled()
    rows = resources[np.searchsorted(resources["id"], plan.memory.subresources["resource"])]
    shared = rows["aliased"].astype(bool)
    places = rows[shared][["allocation", "offset"]].tolist()
    covered, last, end = 0, 0, 0
    for (allocation, begin), size in sorted(zip(places, filled[shared].astype(int).tolist(), strict=True)):
        known = end if allocation == last else 0
        covered += max(0, begin + size - max(begin, known))
        last, end = allocation, max(known, begin + size)
    assert plan.waste_bytes == plan.planned_bytes - int(filled[~shared].sum()) - covered
    assert plan.waste_bytes >= 0
    assert int(filled[shared].sum()) > covered, "some bytes are shared"
