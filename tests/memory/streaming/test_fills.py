"""Caches are copied into staging, large fills by several threads."""

from __future__ import annotations

import mmap
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from engine.memory.streaming.caches import PIECE, TARGETED_READ, split_reads
from engine.memory.streaming.fills import INLINE, Fills
from engine.plan.resident.steps import READ, Window
from engine.vk.errors import DioramaInternalError


def test_small_reads_are_copied_at_once() -> None:
    fills, staging = Fills(), np.zeros(100, np.uint8)
    fills.set_caches({3: bytes(range(200))})
    fill = fills.start(3, [(np.array([(10, 0, 20), (100, 50, 5)], READ), staging)])
    assert fill.done
    assert not fill.finish()
    assert staging[:20].tolist() == list(range(10, 30))
    assert staging[50:55].tolist() == list(range(100, 105))
    fills.close()


def test_large_reads_arrive_whole_from_several_threads() -> None:
    cache = np.random.default_rng(1).integers(0, 256, 11 * PIECE + 5, np.uint8)
    fills, staging = Fills(threads=2), np.zeros(len(cache), np.uint8)
    fills.set_caches({0: cache})
    fill = fills.start(0, [(np.array([(0, 0, len(cache))], READ), staging)])
    fill.wait()
    assert fill.done
    assert not fill.finish()
    assert np.array_equal(staging, cache)
    fills.close()


def test_fills_start_in_order_and_do_not_wait_for_one_another() -> None:
    cache = np.random.default_rng(2).integers(0, 256, 3 * PIECE, np.uint8)
    fills, staging = Fills(threads=2), [np.zeros(len(cache), np.uint8) for _ in range(3)]
    fills.set_caches({0: cache})
    begun = [
        fills.start(0, [(np.array([(0, 0, len(cache))], READ), into)], while_drawing=True) for into in staging
    ]
    begun[2].wait()
    assert begun[0].done
    assert all(not fill.finish() for fill in begun)
    assert all(np.array_equal(into, cache) for into in staging)
    fills.close()


def test_small_reads_start_no_threads_even_after_large_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    cache = np.ones(2 * PIECE, np.uint8)
    fills, staging = Fills(threads=2), np.zeros(len(cache), np.uint8)
    fills.set_caches({0: cache})
    fills.start(0, [(np.array([(0, 0, len(cache))], READ), staging)]).wait()
    monkeypatch.setattr(Fills, "_start_threads", lambda _self: pytest.fail("threads were called up"))
    fill = fills.start(0, [(np.array([(0, 0, 64)], READ), staging)])
    assert fill.done
    assert not fill.finish()
    fills.close()


def test_an_error_on_a_thread_is_raised_by_finish_and_the_next_fill_runs() -> None:
    class Broken:
        size = 1 << 30

        def pieces(self, _reads: object, _targets: object) -> list[Callable[[], None]]:
            return [lambda: 1 / 0, lambda: None]

        def close(self) -> None:
            """Nothing to release."""

    cache = np.ones(2 * PIECE, np.uint8)
    fills, staging = Fills(threads=2), np.zeros(len(cache), np.uint8)
    fills.set_caches({0: cache})
    fills._caches[1] = Broken()  # type: ignore[assignment]
    rows = np.array([(0, 0, len(cache))], READ)
    first, second = fills.start(1, [(rows, staging)]), fills.start(0, [(rows, staging)])
    first.wait()
    second.wait()
    with pytest.raises(ZeroDivisionError):
        first.finish()
    assert staging.all()
    fills.close()


def test_pieces_cover_every_byte_once() -> None:
    sizes = [1, PIECE, 3 * PIECE + 7, INLINE, 40]
    places = np.cumsum([0, *sizes[:-1]]).tolist()
    rows = np.array(
        [(place, place, size, 0) for place, size in zip(places, sizes, strict=True)], TARGETED_READ
    )
    parts, piece = split_reads(rows)
    spans = sorted((begin, begin + size) for _cache, begin, size, _target in parts.tolist())
    assert spans[0][0] == 0
    assert all(a[1] == b[0] for a, b in pairwise(spans))
    assert spans[-1][1] == sum(sizes)
    assert np.bincount(piece, parts["size"]).max() < 2 * PIECE


@pytest.mark.parametrize("row", [(190, 0, 20), (-1, 0, 4), (0, 90, 20), (0, -4, 4)])
def test_a_read_out_of_bounds_is_refused(row: tuple[int, int, int]) -> None:
    fills = Fills()
    fills.set_caches({0: bytes(200)})
    with pytest.raises(DioramaInternalError, match="beyond"):
        fills.start(0, [(np.array([row], READ), np.zeros(100, np.uint8))])
    fills.close()


def test_a_mapped_cache_can_be_closed_after_use(tmp_path: Path) -> None:
    path = tmp_path / "cache"
    path.write_bytes(bytes(3 * mmap.PAGESIZE))
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        view = memoryview(mapped)
        fills, staging = Fills(), np.ones(mmap.PAGESIZE, np.uint8)
        fills.set_caches({0: view})
        fills.prefetch([Window(0, 100, 2 * mmap.PAGESIZE), Window(0, 1 << 40, 5), Window(9, 0, 5)])
        fills.start(0, [(np.array([(50, 0, mmap.PAGESIZE)], READ), staging)])
        assert not staging.any()
        fills.close()
        view.release()
        mapped.close()
