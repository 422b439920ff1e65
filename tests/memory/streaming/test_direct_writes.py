"""A transfer is split into direct writes and staged copies without losing a byte."""

from __future__ import annotations

import numpy as np
import pytest
from support.schedules import transfer

from engine.memory.streaming.direct_writes import split_transfer
from engine.plan.resident.steps import Transfer

CACHE = np.random.default_rng(5).integers(0, 256, 4000, np.uint8)


def carried_out(step: Transfer, direct: set[int]) -> dict[int, np.ndarray]:
    """The contents of the buffers after the transfer; 0 where nothing was written."""
    buffers = {int(r): np.zeros(4000, np.uint8) for r in step.buffer_copies["resource"]}
    split = split_transfer(step, direct)
    for resource, reads in split.direct:
        assert resource in direct
        for offset, place, size in reads.tolist():
            buffers[resource][place : place + size] = CACHE[offset : offset + size]
    staging = np.zeros(8000, np.uint8)
    for offset, place, size in split.staged.reads.tolist():
        staging[place : place + size] = CACHE[offset : offset + size]
    for spot, resource, offset, size in split.staged.buffer_copies.tolist():
        assert resource not in direct
        buffers[resource][offset : offset + size] = staging[spot : spot + size]
    return buffers


def wanted(step: Transfer) -> dict[int, np.ndarray]:
    return carried_out(step, set())


@pytest.mark.parametrize("direct", [{2}, {3}, {2, 3}])
def test_buffers_hold_the_same_with_direct_writes_and_staging(direct: set[int]) -> None:
    reads = [(0, 0, 100), (500, 112, 50), (900, 176, 24), (2000, 200, 60)]
    copies = [(0, 2, 64, 162), (176, 3, 0, 24), (200, 2, 1000, 60)]
    step = transfer(1, reads, copies)
    expected = wanted(step)
    for resource, held in carried_out(step, direct).items():
        for spot, owner, offset, size in step.buffer_copies.tolist():
            if owner == resource:
                known = np.zeros(size, bool)
                for _cache, place, length in reads:
                    begin, end = max(place, spot), min(place + length, spot + size)
                    known[begin - spot : max(end - spot, 0)] = begin < end
                both = (held[offset : offset + size], expected[resource][offset : offset + size])
                assert np.array_equal(both[0][known], both[1][known])


def test_a_read_for_two_buffers_is_split() -> None:
    step = transfer(1, [(100, 0, 64)], [(0, 2, 0, 32), (32, 3, 8, 32)])
    held = carried_out(step, {3})
    assert np.array_equal(held[2][:32], CACHE[100:132])
    assert np.array_equal(held[3][8:40], CACHE[132:164])


def test_reads_of_neighbours_are_merged_across_padding() -> None:
    step = transfer(1, [(0, 0, 10), (16, 16, 10), (32, 32, 10)], [(0, 2, 0, 42)])
    ((_resource, reads),) = split_transfer(step, {2}).direct
    assert reads.tolist() == [(0, 0, 42)]


def test_reads_of_images_are_unchanged() -> None:
    image = (64, 9, 0, 0, 0, 4, 4, 64)
    step = transfer(1, [(0, 0, 32), (32, 64, 64)], [(0, 2, 0, 32)], [image])
    split = split_transfer(step, {2})
    assert split.staged.reads.tolist() == [(32, 64, 64)]
    assert len(split.staged.buffer_copies) == 0
    assert split.staged.image_copies.tolist() == [image]


def test_random_transfers_hold_the_same_with_direct_writes_and_staging() -> None:
    random = np.random.default_rng(1)
    for _ in range(200):
        spot, reads, copies, ends = 0, [], [], {2: 0, 3: 0}
        for _copy in range(int(random.integers(1, 5))):
            resource, begin, size = int(random.integers(2, 4)), spot, 0
            for _read in range(int(random.integers(1, 5))):
                length = int(random.integers(1, 60))
                reads.append((int(random.integers(0, 3900)), spot, length))
                spot, size = spot + length, size + length
            copies.append((begin, resource, ends[resource], size))
            ends[resource] += size
            spot = -(-spot // 16) * 16 if random.random() < 0.7 else spot
        step = transfer(1, reads, copies)
        expected = wanted(step)
        for direct in ({2}, {3}, {2, 3}):
            held = carried_out(step, direct)
            assert all(np.array_equal(held[r], expected[r]) for r in expected)
