"""The cost of planning: full plans, small changes, packing, compaction, schedules, memory; long proofs."""

from __future__ import annotations

import gc
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
from harness import Row

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.plan_proofs import change, replaced, resumed, stopped_everywhere, valid_plans
from support.random_scenes import profile
from support.sparse_pages import sparse_page
from support.sparse_plans import fewest_bytes, sparse_plan

from engine.plan.model.plan import Plan
from engine.plan.placement.compaction import compact
from engine.plan.placement.page_return import return_pages
from engine.plan.placement.planner import make_plan
from engine.plan.requirements.coalesce import Coalesced, coalesce
from engine.plan.requirements.requesters import Requester
from engine.plan.requirements.requirements import ImageShape, Requirement, RequirementTable, Terms
from engine.plan.requirements.sources import Sources
from engine.plan.resident.resident import Resident
from engine.plan.resident.steps import Move, SetWindow, Transfer
from engine.plan.schedule.schedule import make_schedule
from engine.plan.terms.formats import Format
from engine.plan.terms.policy import Policy
from engine.plan.terms.vocabulary import BufferUsage, Contents, ImageUsage, Kind

DEVICE = profile("discrete-window")
COUNT = 100_000
FIRST = 1 << 32
USAGES = (BufferUsage.VERTEX_BUFFER, BufferUsage.INDEX_BUFFER, BufferUsage.STORAGE_BUFFER)
SHAPES = tuple(ImageShape(Format.R8G8B8A8_SRGB, 4 << i, 4, 1) for i in range(4))


def rows() -> Iterable[Row]:
    """Yield one row per target."""
    yield from _full()
    yield from _changes()
    yield _shared()
    yield from _packing()
    yield _compaction()
    yield from _returned()
    yield _schedule()
    yield _toggle()
    yield _memory()
    yield from _proofs()


def scene(count: int, images: bool = True) -> tuple[RequirementTable, list[Terms]]:
    """`count` assets in random order, each requested three times with other terms; a tenth are textures."""
    rng = np.random.default_rng(1)
    table = RequirementTable()
    table.requesters.add_block(
        "visibleModel", np.arange(3 * count), lambda i: Requester("visibleModel", f"object{i}")
    )
    terms = [
        Requirement(0, Kind.BUFFER, usage=u, alignment=4, contents=Contents.CACHE).terms() for u in USAGES
    ]
    index = rng.permutation(count)
    sizes = rng.integers(4, 500, count) * 4
    texture = rng.random(count) < 0.1 if images else np.zeros(count, bool)
    for turn, each in enumerate(terms):
        mine = index[~texture[index]]
        table.add_rows(each, key=mine + FIRST, size=sizes[mine], requester=mine + turn * count)
        for number, shape in enumerate(SHAPES):
            mine = index[texture[index] & (index % len(SHAPES) == number)]
            image = Requirement(0, Kind.IMAGE, shape=shape, usage=ImageUsage.SAMPLED, contents=Contents.CACHE)
            table.add_rows(image.terms(), key=mine + FIRST, size=0, requester=mine + turn * count)
    return table, terms


def best(work: Callable[[], object], times: int = 5) -> float:
    """The shortest time in seconds, which other load disturbs least."""
    took = []
    for _ in range(times):
        gc.collect()
        start = time.perf_counter()
        work()
        took.append(time.perf_counter() - start)
    return min(took)


def _full() -> Iterable[Row]:
    table, _ = scene(COUNT)
    columns = table.requested.rows
    three = [np.ascontiguousarray(columns[name]) for name in ("requester", "terms", "key")]
    sort = best(lambda: np.lexsort(three))
    took = best(lambda: make_plan(coalesce(table), DEVICE))
    yield Row(
        "plan.full_100k",
        took * 1e3,
        "ms",
        "three-key numpy.lexsort of the same 300,000 rows",
        sort * 1e3,
        aim="<= 5 x",
        holds=took <= 5 * sort,
    )
    large, _ = scene(10 * COUNT)
    longer = best(lambda: make_plan(coalesce(large), DEVICE), 6)
    yield Row(
        "plan.full_1m",
        longer * 1e3,
        "ms",
        "plan.full_100k",
        took * 1e3,
        aim="<= 12 x",
        holds=longer <= 12 * took,
    )


def _changes() -> Iterable[Row]:
    table, terms = scene(COUNT, images=False)
    rng = np.random.default_rng(2)
    known: list[Coalesced] = [coalesce(table)]
    plan: list[Plan] = [make_plan(known[0], DEVICE)]
    moves = 0
    for k in (1, 10, 100, 1000):
        took = []
        for _ in range(15 if k < 1000 else 7):
            ids = rng.choice(COUNT, k, replace=False)
            sizes = rng.integers(4, 500, k) * 4
            gc.collect()
            start = time.perf_counter()
            table.remove(ids)
            table.add_rows(terms[0], key=ids + FIRST, size=sizes, requester=ids)
            again = coalesce(table, known[0])
            new = make_plan(again, DEVICE, plan[0])
            took.append(time.perf_counter() - start)
            moves += _moved(plan[0], new, ids)
            known[0], plan[0] = again, new
        value, aim = min(took) * 1e3, 2 + 0.02 * k
        yield Row(
            f"plan.change_{k}",
            value,
            "ms",
            "the aim itself",
            aim,
            aim="<= 2 ms + 20 us per changed resource",
            holds=value <= aim,
        )
    yield Row(
        "plan.change_moves",
        float(moves),
        "moves",
        "the aim itself",
        aim="0 of what did not change",
        holds=moves == 0,
    )


def _shared() -> Row:
    """One of 100,000 requesters of an asset drops it, or requests it again; beside 100,000 other assets."""
    table, terms = scene(COUNT, images=False)
    requester = table.requesters.add_block(
        "visibleModel", np.arange(COUNT), lambda i: Requester("visibleModel", f"sharing{i}")
    )
    for each in terms:
        table.add_rows(each, key=FIRST + COUNT, size=4000, requester=requester + np.arange(COUNT))
    known = coalesce(table)
    plan = make_plan(known, DEVICE)
    took = []
    for turn in range(16):
        one = requester + turn // 2
        gc.collect()
        start = time.perf_counter()
        table.remove(one)
        for each in terms if turn % 2 else ():
            table.add_rows(each, key=FIRST + COUNT, size=4000, requester=one)
        known = coalesce(table, known)
        plan = make_plan(known, DEVICE, plan)
        took.append(time.perf_counter() - start)
        assert len(known.requesters_of(FIRST + COUNT)) == COUNT - (turn + 1) % 2
    value = max(min(took[::2]), min(took[1::2])) * 1e3
    return Row(
        "plan.change_shared",
        value,
        "ms",
        "the aim itself",
        2.02,
        aim="<= 2.02 ms: the change of one, however many share the asset",
        holds=value <= 2.02,
    )


def _moved(before: Plan, after: Plan, changed: np.ndarray) -> int:
    """Count the unchanged keys that have a new address."""
    old, new = before.memory.subresources, after.memory.subresources
    stays = ~np.isin(old["key"], changed + FIRST)
    at = np.searchsorted(new["key"], old["key"][stays])
    other = (new["resource"][at] != old["resource"][stays]) | (new["offset"][at] != old["offset"][stays])
    return int(other.sum())


def _packing() -> Iterable[Row]:
    table, _ = scene(COUNT)
    plan = make_plan(coalesce(table), DEVICE)
    waste = plan.waste_bytes / float(plan.filled().sum())
    yield Row("plan.waste_fresh", waste * 100, "%", "padded sizes", aim="<= 1 %", holds=waste <= 0.01)
    waste, took = _churn(10_000, 10_000)
    yield Row("plan.waste_churned", waste * 100, "%", "padded sizes", aim="<= 5 %", holds=waste <= 0.05)
    yield Row(
        "plan.churn_round", took * 1e3, "ms", "the aim itself", 2.02, aim="<= 2.02 ms", holds=took <= 2.02e-3
    )


def _churn(count: int, rounds: int) -> tuple[float, float]:
    """Waste after so many rounds of replacing one asset; seconds per round (median)."""
    rng = np.random.default_rng(3)
    table = RequirementTable()
    terms = Requirement(0, Kind.BUFFER, usage=USAGES[0], alignment=16, contents=Contents.CACHE).terms()
    users = np.array([table.requesters.add("visibleModel", f"object{i}") for i in range(count + rounds)])
    table.add_rows(terms, key=np.arange(count), size=rng.integers(16, 65_536, count), requester=users[:count])
    known = coalesce(table)
    plan = make_plan(known, DEVICE)
    live = list(range(count))
    took = []
    for fresh in range(count, count + rounds):
        at = int(rng.integers(count))
        gone, live[at] = live[at], fresh
        start = time.perf_counter()
        table.remove(int(users[gone]))
        table.add_rows(terms, key=fresh, size=int(rng.integers(16, 65_536)), requester=users[fresh])
        known = coalesce(table, known)
        plan = make_plan(known, DEVICE, plan)
        took.append(time.perf_counter() - start)
    return plan.waste_bytes / float(plan.filled().sum()), float(np.median(took))


def _compaction() -> Row:
    """The worst of a hundred small plans with holes, each solved exhaustively, too."""
    worst = 0.0
    for seed in range(100):
        plan = sparse_plan(np.random.default_rng(seed))
        found, (gain, moved) = compact(plan), fewest_bytes(plan)
        worst = max(
            worst, found.moved / moved if found.gain == gain and moved else float(found.gain != gain) * 99
        )
    return Row(
        "plan.compaction",
        worst,
        "x",
        "fewest bytes that give back as much",
        1.0,
        aim="<= 1.1 x",
        holds=worst <= 1.1,
    )


def _returned() -> Iterable[Row]:
    """99 of 100 textures of one page are switched off; then most of 100,000 assets."""
    before, after = sparse_page(), sparse_page()
    moved = 0
    while (smaller := return_pages(after)) is not None:
        moved += make_schedule(Resident.settled_at(after), smaller, Sources.of(*np.zeros((4, 0), int))).moved
        after = smaller
    fresh = make_plan(before.requirements, before.profile)
    kept = int(before.memory.subresources["size"].sum())
    yield Row(
        "plan.returned",
        after.planned_bytes / 1e6,
        "MB",
        f"a fresh plan; {before.planned_bytes / 1e6:.1f} MB before",
        fresh.planned_bytes / 1e6,
        aim=f"<= 1.2 x; bytes moved ({moved:,}) <= those kept ({kept:,})",
        holds=after.planned_bytes <= 1.2 * fresh.planned_bytes and moved <= kept,
    )
    table, _ = scene(COUNT)
    full = make_plan(coalesce(table), DEVICE)
    gone = np.random.default_rng(7).permutation(COUNT)[: COUNT * 7 // 10]
    table.remove([int(asset + turn * COUNT) for asset in gone for turn in range(3)])
    plan = make_plan(coalesce(table), DEVICE, full)
    took = []
    while plan is not None and plan.waiting:
        gc.collect()
        resident = Resident.settled_at(plan)
        start = time.perf_counter()
        plan = return_pages(plan)
        if plan is not None:
            make_schedule(resident, plan, Sources.of(*np.zeros((4, 0), int)))
        took.append(time.perf_counter() - start)
    value, aim = float(np.median(took)) * 1e3, 2 + 0.02 * Policy().return_keys
    yield Row(
        "plan.return_cycle",
        value,
        "ms",
        "the aim itself",
        aim,
        aim=f"<= 2 ms + 20 us per moved asset: plan and schedule of a cycle (median of {len(took)}), after"
        " 70 % of 100,000 assets were switched off",
        holds=value <= aim and plan is not None,
    )


def _schedule() -> Row:
    table, _ = scene(COUNT, images=False)
    plan = make_plan(coalesce(table), DEVICE)
    places = plan.memory.subresources
    room = -(-places["size"] // 16) * 16
    sources = Sources.of(places["key"], 1, np.cumsum(room) - room, places["size"])
    planned = best(lambda: make_plan(coalesce(table), DEVICE))
    took = best(lambda: make_schedule(Resident(), plan, sources))
    fillings, copies, _ = _transferred(plan, sources)
    wide = make_plan(coalesce(table), DEVICE, None, replace(plan.policy, staging=plan.policy.window))
    _, merged, windows = _transferred(wide, sources)
    return Row(
        "plan.schedule_100k",
        took * 1e3,
        "ms",
        "plan.full_100k without textures",
        planned * 1e3,
        aim=f"<= 3 x; with staging as large as a window <= 2 copies a window ({merged}, {windows}); with the"
        f" default's <= 2 a filling ({copies}, {fillings})",
        holds=took <= 3 * planned and merged <= 2 * windows and copies <= 2 * fillings,
    )


def _transferred(plan: Plan, sources: Sources) -> tuple[int, int, int]:
    """Count transfers, copies and windows of the schedule that uploads everything."""
    steps = make_schedule(Resident(), plan, sources).steps
    assert not any(isinstance(step, Move) for step in steps)
    sent = [step for step in steps if isinstance(step, Transfer)]
    copies = sum(len(step.buffer_copies) + len(step.image_copies) for step in sent)
    return len(sent), copies, sum(len(step.windows) for step in steps if isinstance(step, SetWindow))


def _toggle() -> Row:
    """One asset of 100,000 resident ones is replaced: plan, schedule, and starting it."""
    table, terms = scene(COUNT, images=False)
    known = coalesce(table)
    plan = make_plan(known, DEVICE)
    resident = Resident.settled_at(plan)
    keys = np.arange(FIRST, FIRST + COUNT + 100)
    took = []
    for turn in range(15):
        table.remove(turn)
        table.add_rows(terms[0], key=FIRST + COUNT + turn, size=8000, requester=turn)
        sources = Sources.of(keys, 1, np.arange(len(keys)) * 8192, _sizes(keys, plan))
        gc.collect()
        start = time.perf_counter()
        known = coalesce(table, known)
        plan = make_plan(known, DEVICE, resident.snapshot())
        steps = make_schedule(resident, plan, sources)
        resident.begin(plan)
        for step in steps.steps:
            resident.apply(step)
        took.append(time.perf_counter() - start)
        assert resident.settled()
    value = min(took) * 1e3
    return Row(
        "plan.toggle",
        value,
        "ms",
        "half a frame at 60 Hz",
        8.0,
        aim="plan, schedule and all its steps in <= 8 ms",
        holds=value <= 8,
    )


def _sizes(keys: np.ndarray, plan: Plan) -> np.ndarray:
    """Sizes of all keys in their cache: of resident ones as planned, of new ones 8000 bytes."""
    sizes = np.full(len(keys), 8000)
    places = plan.memory.subresources
    sizes[np.searchsorted(keys, places["key"])] = places["size"]
    return sizes


def _memory() -> Row:
    """All that a plan keeps alive, the rows of its requirements included; not the requesters' own names."""
    gc.collect()
    tracemalloc.start()
    table, _ = scene(COUNT)
    plan = make_plan(coalesce(table), DEVICE)
    gc.collect()
    kept = tracemalloc.get_traced_memory()[0]
    requesters = tracemalloc.take_snapshot().filter_traces(
        [tracemalloc.Filter(True, "*requesters.py", all_frames=False)]
    )
    value = (kept - sum(trace.size for trace in requesters.traces)) / COUNT
    tracemalloc.stop()
    assert len(plan.memory.subresources) == COUNT
    return Row(
        "plan.memory",
        value,
        "bytes/resource",
        "the aim itself",
        400.0,
        aim="<= 400 bytes",
        holds=value <= 400,
    )


def _proofs() -> Iterable[Row]:
    """Long runs of the proofs that the tests run briefly, on all cores."""
    with ProcessPoolExecutor() as pool:
        for name, proof, first, seeds, aim, unit in (
            ("plans", _hundred_plans, 1_000_000, 2_200, 200_000, "plans without a finding"),
            ("pairs", change, 2_000_000, 2_400, 2_000, "changes end with every byte right"),
            ("replaced", replaced, 3_000_000, 2_400, 2_000, "changes midway to a third plan end so, too"),
            ("resumed", resumed, 4_000_000, 2_000, 2_000, "changes left three times fetch nothing twice"),
        ):
            done = sum(pool.map(proof, range(first, first + seeds), chunksize=20))
            yield _proof(name, done, aim, unit)
        stops = list(pool.map(stopped_everywhere, range(5_000_000, 5_000_000 + 230), chunksize=5))
        yield _proof(
            "stopped", sum(map(bool, stops)), 200, f"changes stopped after each of {sum(stops)} steps"
        )


def _hundred_plans(seed: int) -> int:
    return valid_plans(seed, 100)


def _proof(name: str, done: int, aim: int, what: str) -> Row:
    return Row(
        f"plan.proof_{name}",
        float(done),
        "",
        "the aim itself",
        float(aim),
        aim=f">= {aim:,} random {what}",
        holds=done >= aim,
    )
