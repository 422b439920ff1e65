"""Staging is filled from caches, by threads when there is much of it."""

from __future__ import annotations

import mmap
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from engine.memory.caches import Target
from engine.memory.fills import INLINE, PIECE, Fills, pieces, spread
from engine.plan.steps import READ, Window
from engine.vk.errors import DioramaInternalError


def test_small_reads_are_done_at_once() -> None:
    fills, staging = Fills(), np.zeros(100, np.uint8)
    fills.use({3: bytes(range(200))})
    fills.start(3, [(np.array([(10, 0, 20), (100, 50, 5)], READ), Target(staging))])
    assert not fills.busy
    assert staging[:20].tolist() == list(range(10, 30))
    assert staging[50:55].tolist() == list(range(100, 105))
    fills.close()


def test_large_reads_arrive_whole_from_several_threads() -> None:
    cache = np.random.default_rng(1).integers(0, 256, 11 * PIECE + 5, np.uint8)
    fills, staging = Fills(threads=2), np.zeros(len(cache), np.uint8)
    fills.use({0: cache})
    fills.start(0, [(np.array([(0, 0, len(cache))], READ), Target(staging))])
    fills.wait()
    assert not fills.busy
    fills.finish()
    assert np.array_equal(staging, cache)
    fills.close()


def test_pieces_cover_every_byte_once() -> None:
    sizes = [1, PIECE, 3 * PIECE + 7, INLINE, 40]
    places = np.cumsum([0, *sizes[:-1]]).tolist()
    cut = pieces(spread([np.array(list(zip(places, places, sizes, strict=True)), READ)]))
    spans = sorted((begin, begin + size) for piece in cut for _cache, begin, size, *_ in piece.tolist())
    assert spans[0][0] == 0
    assert all(a[1] == b[0] for a, b in pairwise(spans))
    assert spans[-1][1] == sum(sizes)
    assert max(int(piece["size"].sum()) for piece in cut) < 2 * PIECE


@pytest.mark.parametrize("row", [(190, 0, 20), (-1, 0, 4), (0, 90, 20), (0, -4, 4)])
def test_a_read_out_of_bounds_is_refused(row: tuple[int, int, int]) -> None:
    fills = Fills()
    fills.use({0: bytes(200)})
    with pytest.raises(DioramaInternalError, match="beyond"):
        fills.start(0, [(np.array([row], READ), Target(np.zeros(100, np.uint8)))])
    fills.close()


def test_a_mapped_cache_can_be_closed_after_use(tmp_path: Path) -> None:
    path = tmp_path / "cache"
    path.write_bytes(bytes(3 * mmap.PAGESIZE))
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        view = memoryview(mapped)
        fills, staging = Fills(), np.ones(mmap.PAGESIZE, np.uint8)
        fills.use({0: view})
        fills.expect([Window(0, 100, 2 * mmap.PAGESIZE), Window(0, 1 << 40, 5), Window(9, 0, 5)])
        fills.start(0, [(np.array([(50, 0, mmap.PAGESIZE)], READ), Target(staging))])
        assert not staging.any()
        fills.close()
        view.release()
        mapped.close()
