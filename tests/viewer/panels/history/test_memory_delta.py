"""The delta of two images of memory has every key once, in the one, the other or both, with its bytes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from support.random_scenes import SMALL, World, needs, profile
from support.sampling import Sample, amount
from support.scenes import CUBE

from engine.plan.model.plan import Plan
from engine.plan.placement.planner import make_plan
from engine.planning.offline import plan_scene
from viewer.panels.history.memory_delta import NONE, WORDS, Change, delta
from viewer.panels.history.memory_image import MemoryImage
from viewer.panels.history.snapshots import MAX_SNAPSHOTS, Snapshot, Snapshots, leak_check


def random_plans(rng: np.random.Generator, count: int) -> Iterator[Plan]:
    """Plans of one world, each made from the one before."""
    world = World.make(rng, 24)
    plan: Plan | None = None
    for _ in range(count):
        if plan is not None and rng.random() < 0.3:
            world.reload(rng, int(rng.integers(24)))
        wanted = needs(rng, world, float(rng.uniform(0.2, 0.9)))
        plan = make_plan(wanted, profile("discrete-window"), plan, SMALL)
        yield plan


def test_every_key_is_in_a_delta_once_with_its_bytes(sample: Sample) -> None:
    for rng in (np.random.default_rng(seed) for seed in range(amount(6, 60))):
        for first, second in pairwise(random_plans(rng, 4)):
            found = delta(MemoryImage.of(first), MemoryImage.of(second))
            keys = [plan.memory.subresources["key"] for plan in (first, second)]
            for side in (0, 1):
                rows = found.rows[found.rows[:, side] != NONE, side]
                assert np.array_equal(np.sort(rows), np.arange(len(keys[side])))
            both = (found.rows != NONE).all(axis=1)
            assert both.sum() == len(np.intersect1d(*keys))
            assert (found.change[both] < Change.ONLY_FIRST).all()
            sums = found.sizes.sum(axis=0)
            whole = [int(plan.filled().astype(np.int64).sum()) for plan in (first, second)]  # bytes of a key
            assert whole == sums.tolist()
            assert found.allocated == second.planned_bytes - first.planned_bytes
            for row in np.flatnonzero(both).tolist():
                key = int(keys[0][found.rows[row, 0]])
                is_same = first.address(key) == second.address(key)
                if found.change[row] == Change.SAME:
                    assert is_same
                elif found.change[row] == Change.MOVED:
                    assert not is_same


def test_an_image_has_no_delta_to_itself() -> None:
    image = MemoryImage.of(plan_scene(CUBE, profile("unified"), (64, 64)).plan)
    found = delta(image, image)
    assert (found.change == Change.SAME).all()
    assert found.bytes(Change.SAME) == image.used > 0
    assert found.allocated == 0


def test_images_of_two_runs_are_compared_by_name() -> None:
    one, two = (
        MemoryImage.of(plan_scene(CUBE, profile("unified"), (64, 64), settings).plan)
        for settings in ((), ("cube.shadowCaster.active=false",))
    )
    assert one.names.space is not two.names.space
    found = delta(one, two)
    only = np.flatnonzero(found.change == Change.ONLY_FIRST).tolist()
    assert "shadowMap" in {found.name(row) for row in only}
    assert not found.count(Change.ONLY_SECOND)
    names = [{image.names.name(key) for key in image.places["key"].tolist()} for image in (one, two)]
    assert {found.name(row) for row in only} == names[0] - names[1]
    assert all(found.why(row) for row in only)


def test_each_change_has_a_word() -> None:
    assert set(WORDS) == set(Change)


def snapshot_of(plan: Plan, name: str = "a", **more: object) -> Snapshot:
    given = {"live_bytes": plan.planned_bytes, **more}
    return Snapshot(name, "cube.hu", 7, MemoryImage.of(plan), **given)


def test_a_leak_check_finds_what_there_is_more_of_than_at_the_base_line() -> None:
    plan, without = (
        plan_scene(CUBE, profile("unified"), (64, 64), settings).plan
        for settings in ((), ("cube.active=false",))
    )
    base = snapshot_of(without)
    assert leak_check(base, snapshot_of(without)).is_clean
    assert leak_check(snapshot_of(plan), base).is_clean, "less is no leak"
    found = leak_check(base, snapshot_of(plan))
    assert not found.is_clean
    said = "\n".join(found.leaks)
    assert f"{plan.planned_bytes - without.planned_bytes:,} more allocated bytes" in said
    assert "only now:" in said
    live = leak_check(base, snapshot_of(without, live_bytes=without.planned_bytes + 512))
    assert live.leaks == (
        f"512 more live bytes: {without.planned_bytes:,} before, {without.planned_bytes + 512:,} now",
    )
    objects = [snapshot_of(without, objects={"VkImage": count}) for count in (4, 5)]
    assert leak_check(*objects).leaks == ("1 more VkImage: 4 before, 5 now",)


def test_snapshots_have_names_of_their_own_and_a_bounded_number() -> None:
    plan = plan_scene(CUBE, profile("unified"), (64, 64)).plan
    kept = Snapshots()
    first = kept.add(snapshot_of(plan))
    assert [first.name, kept.add(snapshot_of(plan)).name] == ["a", "a 2"]
    kept.set_baseline(first)
    for _ in range(MAX_SNAPSHOTS + 3):
        kept.add(snapshot_of(plan, "more"))
    assert len(kept.all) == MAX_SNAPSHOTS
    assert kept.all[0] is first, "the base line stays"
    assert len({each.name for each in kept.all}) == MAX_SNAPSHOTS
    renamed = kept.rename(first, "start")
    assert kept.baseline is renamed
    assert kept.rename(renamed, kept.all[1].name) is renamed, "a name that is taken"
    assert kept.rename(renamed, "  ") is renamed
    kept.remove(renamed)
    assert kept.baseline is None
    with pytest.raises(ValueError, match="not in list"):
        kept.remove(renamed)
