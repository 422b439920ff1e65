"""The cost of 100,000 objects: adding, unchanged frames, moving, switching, collecting."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from harness import Row

from engine.feature import Feature, Registry, asset_field
from engine.feature.collect import RequirementCollector
from engine.feature.motion import Animator
from engine.plan.requirements.requirements import Requirement, RequirementTable
from engine.plan.terms.vocabulary import BufferUsage, Kind
from engine.tableau import Tableau
from features.spin import Spin

OBJECTS = 100_000
MOVING = 10_000
ASSETS = 1000
ROUNDS = 9


class Seen(Feature):
    """Draws a model of three buffers."""

    type_name = "seen"
    fields = (asset_field("asset", types=("model",)),)

    def requirements(self, asset, library):
        """Request the three buffers."""
        for index in range(3):
            yield Requirement(asset.key * 4 + index, Kind.BUFFER, 64, usage=BufferUsage.VERTEX_BUFFER)


def median(call: Callable[[], object]) -> float:
    """Seconds of one call, the median of several after one to warm up."""
    call()
    taken = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return float(np.median(taken))


def row(name: str, value: float, unit: str, aim: float | None = None, **reference: Any) -> Row:
    """A row whose aim, if any, is an upper bound in the row's unit."""
    if aim is None:
        return Row(f"tableau.{name}", value, unit, **reference)
    return Row(f"tableau.{name}", value, unit, aim=f"<= {aim:g} {unit}", holds=value <= aim, **reference)


def rows() -> Iterable[Row]:
    """Measure a flat tableau, then one of two levels, then what its features require."""
    rng = np.random.default_rng(7)
    translation = rng.normal(size=(OBJECTS, 3)).astype(np.float32)
    rotation = rng.normal(size=(OBJECTS, 4)).astype(np.float32)
    registry = Registry([Seen()])
    tableau = Tableau(registry.schemas)
    start = time.perf_counter()
    objects = tableau.add_objects(translation=translation)
    tableau.tables["seen"].add(objects, {"asset": (1 << 32) + np.arange(OBJECTS) % ASSETS})
    yield row("add_100k", time.perf_counter() - start, "s", 1.0)

    def move_all() -> None:
        tableau.set_transforms(objects, translation=translation, rotation=rotation)
        tableau.update_world()

    copied = np.empty((OBJECTS, 4, 4), np.float32)
    memory = median(lambda: np.copyto(copied, tableau.placement))
    yield row(
        "update_all_100k",
        median(move_all) / OBJECTS * 1e6,
        "us/object",
        0.1,
        reference="copying their world matrices",
        reference_value=memory / OBJECTS * 1e6,
    )

    def stand_still() -> None:
        tableau.update_world()
        assert len(tableau.tables["seen"].rows_enabled()) == OBJECTS

    yield row("static_100k", median(stand_still) * 1e6, "us", 100)

    one = tableau["object77"]

    def move_one() -> None:
        one.translation = (1, 2, 3)
        tableau.update_world()

    yield row("move_1_of_100k", median(move_one) * 1e6, "us", 1000)

    def toggle_one() -> None:
        one.seen.active = not one.seen.active
        tableau.tables["seen"].rows_active()

    yield row("toggle_1_of_100k", median(toggle_one) * 1e6, "us", 1000)

    collector = RequirementCollector(tableau, registry, None)  # type: ignore[arg-type]
    yield row("collect_100k", median(lambda: collector.collect(RequirementTable())) * 1e3, "ms")
    kept = RequirementTable()

    def toggle_and_collect() -> None:
        one.seen.active = not one.seen.active
        collector.collect(kept)

    yield row("collect_1_of_100k", median(toggle_and_collect) * 1e3, "ms", 1.0)

    half = tableau.add_objects(parent=objects[: OBJECTS // 2], translation=translation[: OBJECTS // 2])
    everything = np.concatenate((objects[: OBJECTS // 2], half))

    def move_two_levels() -> None:
        tableau.set_transforms(everything, translation=translation)
        tableau.update_world()

    yield row("update_two_levels_100k", median(move_two_levels) / OBJECTS * 1e6, "us/object", 0.2)
    yield from moving_rows(translation[:MOVING], rotation[:MOVING])


def moving_rows(translation: np.ndarray, rotation: np.ndarray) -> Iterable[Row]:
    """Measure objects that spin, beside the same objects turned by calls, and the rest of a clock."""
    registry = Registry([Spin()])
    tableau = Tableau(registry.schemas)
    objects = tableau.add_objects(translation=translation, rotation=rotation)
    animator = Animator(tableau, registry, None, lambda *_: None)  # type: ignore[arg-type]

    def turn() -> None:
        tableau.set_transforms(objects, rotation=rotation)
        tableau.update_world()

    def frame() -> None:
        tableau.clock.advance()
        animator.update()
        tableau.update_world()

    yield row("nothing_moves_10k", median(frame) * 1e6, "us", 20)
    turned = median(turn) * 1e3
    tableau.add_feature("spin", objects)
    yield row(
        "spin_10k",
        median(frame) * 1e3,
        "ms",
        reference="turning them by a call",
        reference_value=turned,
    )
    tableau.clock.paused = True
    yield row("paused_10k", median(frame) * 1e6, "us", 20)
