"""Caches are read with few scattered preadv calls; a truncated file is reported and does not crash."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray
from support.schedules import (
    SHAPE,
    A,
    B,
    C,
    Written,
    buffer,
    chain_bytes,
    contents,
    image,
    mip_copies,
    publish,
    staged,
    transfer,
)

from engine.assets.cache.cache import stamp_of
from engine.memory.streaming.caches import (
    MAX_GAP,
    MAX_IOVECS,
    TARGETED_READ,
    Cache,
    CacheUnreadable,
    FileCache,
    MemoryCache,
)
from engine.memory.streaming.manager import MemoryManager, Pace
from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.resident.steps import Destroy, Withdraw
from engine.vk.device import Device

Bytes = NDArray[np.uint8]
BEGIN = 64


@pytest.fixture
def path(tmp_path: Path, cache: Bytes) -> Path:
    """A cache file: 64 bytes of something else, then the data."""
    made = tmp_path / "db.ogCache"
    made.write_bytes(bytes(BEGIN) + cache.tobytes())
    os.utime(made, (1, 1))
    return made


@pytest.fixture
def file(path: Path, cache: Bytes) -> Iterator[SimpleNamespace]:
    descriptor = os.open(path, os.O_RDONLY)
    stamp = stamp_of(descriptor)
    yield SimpleNamespace(descriptor=descriptor, begin=BEGIN, size=len(cache), data=cache, stamp=stamp)
    os.close(descriptor)


def copied(cache: Cache, rows: list[tuple[int, int, int, int]], targets: list[Bytes]) -> None:
    for piece in cache.pieces(np.array(rows, TARGETED_READ), targets):
        piece()


def test_reads_are_scattered_whatever_the_gaps_between_them(file: SimpleNamespace, cache: Bytes) -> None:
    random = np.random.default_rng(2)
    reads, at, spot = [(0, 0, 70_077, 0)], 70_077, 70_080
    for _ in range(2 * MAX_IOVECS):
        at += int(random.choice([0, 0, 0, 0, 3, 5, MAX_GAP, MAX_GAP + 1]))
        size = int(random.integers(1, 300))
        reads.append((at, spot, size, int(random.integers(2))))
        at, spot = at + size, spot + size + int(random.choice([0, 0, 50]))
    random.shuffle(reads)
    one, other = ([np.zeros(spot + 9, np.uint8) for _ in range(2)] for _ in "ab")
    made = FileCache(0, file.descriptor, BEGIN, len(cache), file.stamp)
    copied(made, reads, one)
    copied(MemoryCache(cache), reads, other)
    assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
    for offset, place, size, n in reads:
        assert np.array_equal(one[n][place : place + size], cache[offset : offset + size])
    made.close()


@pytest.mark.parametrize("most", [1, 7, 300, 70_000])
def test_a_short_read_is_continued(
    file: SimpleNamespace, cache: Bytes, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.memory.streaming import caches

    def short(descriptor: int, address: int, count: int, offset: int) -> int:
        ranges = (ctypes.c_uint64 * (2 * count)).from_address(address)
        rows, left = [], most
        for base, length in zip(ranges[::2], ranges[1::2], strict=True):
            rows.append((base, min(length, left)))
            left -= rows[-1][1]
        array = (ctypes.c_uint64 * (2 * count))(*(value for row in rows for value in row))
        return real(descriptor, ctypes.addressof(array), count, offset)

    real = caches._preadv
    monkeypatch.setattr(caches, "_preadv", short)
    reads = [(5, 0, 200, 0), (205, 300, 100, 0), (310, 500, 90, 0)]
    one = np.zeros(600, np.uint8)
    made = FileCache(0, file.descriptor, BEGIN, len(cache), file.stamp)
    copied(made, reads, [one])
    for offset, place, size, _n in reads:
        assert np.array_equal(one[place : place + size], cache[offset : offset + size])
    made.close()


def test_a_file_that_is_too_short_is_reported_with_its_end(file: SimpleNamespace, cache: Bytes) -> None:
    made = FileCache(7, file.descriptor, BEGIN, len(cache) + 9, file.stamp)
    with pytest.raises(CacheUnreadable, match="assetDb 7 cannot be read: it ends too early") as reported:
        copied(made, [(len(cache) - 100, 0, 200, 0)], [np.zeros(200, np.uint8)])
    assert reported.value.begin == len(cache)
    made.close()


@pytest.mark.parametrize("kind", ["truncated", "written", "longer"])
def test_nothing_is_read_from_a_file_that_another_process_has_changed(
    file: SimpleNamespace, path: Path, cache: Bytes, kind: str
) -> None:
    made = FileCache(7, file.descriptor, BEGIN, len(cache), file.stamp)
    changes = {
        "truncated": lambda: os.truncate(path, BEGIN + 1000),
        "written": lambda: path.write_bytes(path.read_bytes()[::-1]),
        "longer": lambda: path.write_bytes(path.read_bytes() + b"x"),
    }
    changes[kind]()
    with pytest.raises(CacheUnreadable, match="another process has written to it") as reported:
        copied(made, [(5, 0, 200, 0), (900, 200, 200, 0)], [np.zeros(400, np.uint8)])
    assert reported.value.begin == 5
    made.close()


def test_an_unreadable_file_is_reported_with_the_reason(cache: Bytes, tmp_path: Path) -> None:
    descriptor = os.open(tmp_path, os.O_RDONLY)
    made = FileCache(7, descriptor, 0, 100, stamp_of(descriptor))
    with pytest.raises(CacheUnreadable, match="directory"):
        copied(made, [(0, 0, 100, 0)], [np.zeros(100, np.uint8)])
    made.close()
    os.close(descriptor)


@pytest.mark.gpu
@pytest.mark.parametrize("size", [1000, 300_000], ids=["at once", "by threads"])
def test_a_truncated_cache_makes_its_keys_unreadable(
    device: Device,
    profile: DeviceProfile,
    pace: Pace,
    file: SimpleNamespace,
    path: Path,
    cache: Bytes,
    size: int,
) -> None:
    chain = chain_bytes(SHAPE)
    written = staged(profile).place(A, 2, 0, size).place(B, 2, 512 << 10, size).place(C, 3, 1, chain)
    written.add(*image(profile, 3, SHAPE, 2))
    reads = [(0, 0, size), (size, 512 << 10, size), (2 * size, 1000 << 10, chain)]
    copies = [(0, 2, 0, size), (512 << 10, 2, 512 << 10, size)]
    written.add(transfer(1, reads, copies, mip_copies(SHAPE, 1000 << 10, 3, 1), keys=(A, B, C)))
    written.add(publish((A, 2, 0), (B, 2, 512 << 10), (C, 3, 1)))
    with MemoryManager(device, profile, {0: file}, pace=pace) as manager:
        os.truncate(path, BEGIN + size + 5)
        manager.submit(written)
        manager.settle()
        assert manager.unreadable_keys == {A, B, C}
        assert [manager.location(key) for key in (A, B, C)] == [None] * 3
        assert len(manager.cache_problems) == 1
        assert "another process has written to it" in manager.cache_problems[0]


@pytest.mark.gpu
def test_an_unreadable_key_is_published_once_its_cache_is_whole(
    device: Device, profile: DeviceProfile, file: SimpleNamespace, path: Path, cache: Bytes
) -> None:
    first = staged(profile).place(A, 2, 0, 64)
    first.add(transfer(1, [(0, 0, 64)], [(0, 2, 0, 64)], keys=(A,)), publish((A, 2, 0)))
    second = Written().place(A, 3, 0, 64).add(*buffer(profile, 3, 256))
    second.add(transfer(1, [(0, 0, 64)], [(0, 3, 0, 64)], keys=(A,)), publish((A, 3, 0)), Destroy(2))
    third = Written().add(Withdraw(np.array([A])))
    with MemoryManager(device, profile, {0: file}) as manager:
        os.truncate(path, BEGIN)
        manager.submit(first)
        manager.settle()
        assert manager.unreadable_keys == {A}
        manager.submit(second, {0: cache})
        manager.settle()
        assert manager.unreadable_keys == frozenset()
        assert np.array_equal(contents(device, manager, A), cache[:64])
        manager.submit(third)
        manager.settle()
        assert manager.location(A) is None
