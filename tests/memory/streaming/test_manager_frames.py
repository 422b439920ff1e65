"""The memory manager while frames are drawn: pace, replaced schedules, memory that frames in flight use."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from support.schedules import (
    STAGED,
    STAGING,
    A,
    B,
    C,
    Written,
    buffer,
    contents,
    end_staging,
    longs,
    memory_type,
    publish,
    staged,
    transfer,
    writes_directly,
)

from engine.memory.streaming.fills import Fill, Fills, Part
from engine.memory.streaming.manager import MemoryManager, Pace
from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.requirements.requirements import ImageShape
from engine.plan.resident.steps import (
    Allocate,
    Bind,
    ClearStaging,
    CreateBuffer,
    CreateImage,
    Destroy,
    Free,
    SetWindow,
    Withdraw,
)
from engine.plan.terms.formats import Format
from engine.plan.terms.vocabulary import BufferUsage, ImageUsage
from engine.vk.binding import constants
from engine.vk.device import Device
from engine.vk.timeline import Timeline

pytestmark = pytest.mark.gpu
STAGED_ONLY = Pace(direct=False, milliseconds=1e3)

Bytes = NDArray[np.uint8]
Counts = NDArray[np.int64]


def test_a_frame_runs_no_more_cycles_than_its_pace_allows(
    device: Device, profile: DeviceProfile, cache: Bytes, pace: Pace
) -> None:
    written = staged(profile).place(A, 2, 0, 64)
    for n in range(5):
        written.add(transfer(1, [(n, 0, 64)], [(0, 2, 0, 64)]), ClearStaging(1), SetWindow(0, ()))
    written.add(publish((A, 2, 0)))
    with MemoryManager(device, profile, {0: cache}, pace=pace) as manager:
        manager.submit(written)
        cycles = [0]
        while not manager.advance(cycles=1):
            cycles.append(manager.statistics.cycles)
        assert max(np.diff(cycles)) == 1
        assert manager.statistics.cycles == 5


@pytest.mark.parametrize(("most", "frames"), [(1, [1, 1, 1]), (2, [2, 1]), (2048, [3])])
def test_a_frame_publishes_no_more_keys_than_its_pace_allows(
    device: Device, profile: DeviceProfile, cache: Bytes, most: int, frames: list[int]
) -> None:
    written = staged(profile).place(A, 2, 0, 64).place(B, 2, 64, 64).place(C, 2, 128, 64)
    written.add(transfer(1, [(0, 0, 192)], [(0, 2, 0, 192)]), ClearStaging(1))
    for key, offset in ((A, 0), (B, 64), (C, 128)):
        written.add(publish((key, 2, offset)))
    with MemoryManager(device, profile, {0: cache}, pace=Pace(milliseconds=1e3, published=most)) as manager:
        manager.submit(written)
        published = []
        while not manager.settled:
            before = manager.statistics.published
            manager.advance()
            if manager.statistics.published > before:
                published.append(manager.statistics.published - before)
            else:
                manager.wait()
        assert published == frames


@pytest.mark.parametrize("count", [1, 4])
def test_cycles_set_by_hand_run_in_every_frame_whatever_they_cost(
    device: Device, profile: DeviceProfile, cache: Bytes, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    clock = itertools.count()  # each reading takes a millisecond, which is more than a pace allows
    monkeypatch.setattr("engine.memory.streaming.manager.time.thread_time", lambda: next(clock) / 1000)
    written = staged(profile).place(A, 2, 0, 64)
    for n in range(8):
        written.add(transfer(1, [(n, 0, 64)], [(0, 2, 0, 64)]), ClearStaging(1), SetWindow(0, ()))
    written.add(publish((A, 2, 0)))
    by_hand = Pace(cycles=count, whole_cycles=True, direct=False)
    with MemoryManager(device, profile, {0: cache}, pace=by_hand) as manager:
        manager.submit(written)
        cycles = [0]
        while not manager.advance():
            cycles.append(manager.statistics.cycles)
        ran = np.diff([*cycles, manager.statistics.cycles])
        assert set(ran[ran > 0].tolist()) == {count}
        assert np.array_equal(contents(device, manager, A), cache[7:71])


def steps_of_frames(device: Device, profile: DeviceProfile, patch: pytest.MonkeyPatch, pace: Pace) -> Counts:
    """How many of 60 steps each frame carries out, where a step takes a millisecond."""
    clock = itertools.count()  # each reading, and so each step, takes a millisecond
    patch.setattr("engine.memory.streaming.manager.time.thread_time", lambda: next(clock) / 1000)
    written = Written()
    for number in range(60):
        written.add(CreateBuffer(number, 64, int(STAGED)))
    with MemoryManager(device, profile, pace=pace) as manager:
        manager.submit(written)
        steps = [0]
        while manager.steps_left:
            manager.advance()
            steps.append(manager.statistics.steps)
    return np.diff(steps)


def test_creating_objects_keeps_to_the_pace_beside_cycles_set_by_hand(
    device: Device, profile: DeviceProfile, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = steps_of_frames(device, profile, monkeypatch, Pace(whole_cycles=True))
    assert taken.max() <= 3


def test_a_short_schedule_spends_saved_time_and_a_long_one_takes_the_average_per_frame(
    device: Device, profile: DeviceProfile, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = steps_of_frames(device, profile, monkeypatch, Pace(milliseconds=0.4))
    assert taken[0] in (1, 2)
    assert sum(taken[:6]) >= 6  # of saved time
    assert taken.max() <= 2
    assert len(taken) > (60 - 6) / 0.4 / 2


def test_a_pace_above_the_saving_limit_is_kept(
    device: Device, profile: DeviceProfile, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(steps_of_frames(device, profile, monkeypatch, Pace(milliseconds=15))) in (4, 5)


def test_advance_returns_early_while_the_device_reads_staging(
    device: Device, profile: DeviceProfile, cache: Bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = staged(profile).place(A, 2, 0, 64)
    written.add(transfer(1, [(0, 0, 64)], [(0, 2, 0, 64)]), ClearStaging(1), publish((A, 2, 0)))
    with MemoryManager(device, profile, {0: cache}, pace=STAGED_ONLY) as manager:
        monkeypatch.setattr(Timeline, "completed", lambda self: 0)
        manager.submit(written)
        for expected in (1, 2, 3):
            assert not manager.advance()
            assert isinstance(written.steps[-manager.steps_left], ClearStaging)
            assert manager.statistics.held_back == expected
        assert manager.location(A) is None
        monkeypatch.undo()
        manager.settle()
        assert manager.location(A) is not None


def test_a_schedule_is_replaced_in_the_middle(
    device: Device, profile: DeviceProfile, cache: Bytes, pace: Pace
) -> None:
    first = staged(profile).place(A, 2, 0, 64).place(B, 2, 64, 64)
    first.add(transfer(1, [(0, 0, 64)], [(0, 2, 0, 64)]), publish((A, 2, 0)), ClearStaging(1))
    first.add(SetWindow(0, ()), transfer(1, [(64, 0, 64)], [(0, 2, 64, 64)]), publish((B, 2, 64)))
    second = Written().place(A, 2, 0, 64).place(C, 2, 128, 64)
    second.add(ClearStaging(1), SetWindow(0, ()), transfer(1, [(512, 0, 64)], [(0, 2, 128, 64)]))
    second.add(publish((C, 2, 128)))
    with MemoryManager(device, profile, {0: cache}, pace=pace) as manager:
        manager.submit(first)
        while manager.location(A) is None:
            manager.advance(cycles=1)
        manager.submit(second)
        manager.settle()
        assert manager.location(B) is None
        assert np.array_equal(contents(device, manager, A), cache[:64])
        assert np.array_equal(contents(device, manager, C), cache[512:576])


def test_staging_is_not_written_while_threads_of_a_replaced_transfer_write(
    device: Device, profile: DeviceProfile, monkeypatch: pytest.MonkeyPatch, pace: Pace
) -> None:
    size, go_on = 1 << 20, threading.Event()
    monkeypatch.setattr("engine.memory.streaming.caches.MemoryCache._copy", lambda *_, **__: go_on.wait(20))
    first = Written().place(A, 2, 0, size)
    first.add(*buffer(profile, 1, size, STAGING, mapped=True), *buffer(profile, 2, size))
    first.add(transfer(1, [(0, 0, size)], [(0, 2, 0, size)]), publish((A, 2, 0)))
    second = Written().add(Destroy(1), Free(1), Destroy(2), Free(2))
    with MemoryManager(device, profile, {0: np.zeros(size, np.uint8)}, pace=pace) as manager:
        manager.submit(first)
        while manager.steps_left > 2:
            manager.advance()
        manager.submit(second)
        for _ in range(3):
            assert not manager.advance()
            assert manager.steps_left == 4
        go_on.set()
        manager.settle()
        assert manager.live_bytes == 0


def two_stagings(profile: DeviceProfile, size: int, turns: int) -> Written:
    """Transfers through staging buffers 1 and 4 alternately, each cleared before it is filled again."""
    written = staged(profile).place(A, 2, 0, 64)
    written.add(*buffer(profile, 4, size, STAGING, mapped=True))
    for turn in range(turns):
        staging = (1, 4)[turn % 2]
        if turn > 1:
            written.add(ClearStaging(staging))
        written.add(transfer(staging, [(turn, 0, 64)], [(0, 2, 0, 64)]))
    return written.add(ClearStaging(1), ClearStaging(4), publish((A, 2, 0)))


def filled(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The cache offsets of the fills, in the order of their start."""
    begun: list[int] = []
    start = Fills.start

    def noted(fills: Fills, db: int, parts: Sequence[Part], **more: bool) -> Fill:
        begun.append(int(parts[0][0]["cache_offset"][0]))
        return start(fills, db, parts, **more)

    monkeypatch.setattr(Fills, "start", noted)
    return begun


def test_the_next_transfer_is_filled_before_its_turn(
    device: Device, profile: DeviceProfile, cache: Bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = filled(monkeypatch)
    monkeypatch.setattr(Fill, "done", property(lambda _fill: False))
    with MemoryManager(device, profile, {0: cache}, pace=STAGED_ONLY) as manager:
        manager.submit(two_stagings(profile, 1 << 20, 4))
        manager.advance()
        assert begun == [0, 1]  # one for each staging buffer, and neither has been recorded
        assert manager.statistics.transfers == 0
        monkeypatch.undo()
        manager.settle()
        assert np.array_equal(contents(device, manager, A), cache[3:67])


def test_staging_is_not_filled_ahead_while_it_is_copied_out_of(
    device: Device, profile: DeviceProfile, cache: Bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = filled(monkeypatch)
    with MemoryManager(device, profile, {0: cache}, pace=STAGED_ONLY) as manager:
        monkeypatch.setattr(Timeline, "completed", lambda _timeline: 0)
        manager.submit(two_stagings(profile, 1 << 20, 4))
        for _ in range(3):
            manager.advance()
            assert begun == [0, 1]
            assert manager.statistics.transfers == 2
        monkeypatch.undo()
        manager.settle()
        assert np.array_equal(contents(device, manager, A), cache[3:67])


def test_a_frame_without_cycles_starts_no_transfer(
    device: Device, profile: DeviceProfile, cache: Bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = filled(monkeypatch)
    with MemoryManager(device, profile, {0: cache}, pace=STAGED_ONLY) as manager:
        manager.submit(two_stagings(profile, 1 << 20, 2))
        for _ in range(3):
            assert not manager.advance(cycles=0)
        assert begun == []
        manager.settle()


def test_objects_are_destroyed_after_the_frames_that_may_use_them(
    device: Device, profile: DeviceProfile
) -> None:
    frames = Timeline(device, "frames")
    first = Written().place(A, 2, 0, 256).add(*buffer(profile, 2, 256), publish((A, 2, 0)))
    second = Written().add(Withdraw(longs(A)), Destroy(2), Free(2))
    with MemoryManager(device, profile, frames=frames) as manager:
        manager.submit(first)
        manager.settle()
        bytes_before, buffers_before = manager.live_bytes, device.handles.counts()["Buffer"]
        frame = frames.next()
        manager.submit(second)
        for _ in range(3):
            assert not manager.advance()
        assert manager.location(A) is None
        assert manager.steps_left == 0
        assert manager.live_bytes == bytes_before
        assert device.handles.counts()["Buffer"] == buffers_before
        everything = constants.VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT
        device.submit(device.graphics, [], signals=[frames.signal(frame, everything)])
        assert frames.wait(frame)
        assert manager.advance()
        assert manager.live_bytes == 0
    frames.close()


def test_memory_that_is_being_freed_is_waited_for_before_more_is_allocated(
    device: Device, profile: DeviceProfile
) -> None:
    frames = Timeline(device, "frames")
    needs = profile.buffer_requirements(1 << 20, BufferUsage.TRANSFER_DST).size
    small = profile.with_budgets({0: needs + 4096})
    first = Written().add(*buffer(small, 2, 1 << 20, BufferUsage.TRANSFER_DST))
    second = Written().add(Destroy(2), Free(2), *buffer(small, 3, 1 << 20, BufferUsage.TRANSFER_DST))
    with MemoryManager(device, small, frames=frames) as manager:
        manager.submit(first)
        manager.settle()
        frame = frames.next()
        manager.submit(second)
        for _ in range(3):
            assert not manager.advance()
            assert manager.live_bytes == needs
        everything = constants.VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT
        device.submit(device.graphics, [], signals=[frames.signal(frame, everything)])
        manager.settle()
        assert manager.live_bytes == needs
    frames.close()


def test_memory_is_bound_again_only_after_the_frames_that_used_it(
    device: Device, profile: DeviceProfile
) -> None:
    frames = Timeline(device, "frames")
    first = Written().add(*buffer(profile, 2, 4096))
    second = Written().add(Destroy(2), CreateBuffer(3, 4096, int(STAGED)), Bind(3, 2, 0))
    with MemoryManager(device, profile, frames=frames) as manager:
        manager.submit(first)
        manager.settle()
        frame = frames.next()
        manager.submit(second)
        for _ in range(3):
            assert not manager.advance()
            assert manager.steps_left == 1
        everything = constants.VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT
        device.submit(device.graphics, [], signals=[frames.signal(frame, everything)])
        manager.settle()
        assert manager.live().resources["id"].tolist() == [3]
    frames.close()


def test_an_image_that_shares_bytes_is_bound_while_frames_may_use_the_one_before_it(
    device: Device, profile: DeviceProfile
) -> None:
    frames = Timeline(device, "frames")
    target, shape = ImageUsage.COLOR_ATTACHMENT, ImageShape(Format.R8G8B8A8_UNORM, 8, 4)
    needs = profile.image_requirements(shape, 1, target)
    first = Written(aliased=[2]).add(
        CreateImage(2, shape, 1, int(target)),
        Allocate(2, memory_type(profile, visible=False), needs.size),
        Bind(2, 2, 0),
    )
    second = [Destroy(2), CreateImage(3, shape, 1, int(target)), Bind(3, 2, 0)]
    with MemoryManager(device, profile, frames=frames) as manager:
        manager.submit(first)
        manager.settle()
        frame = frames.next()
        manager.submit(Written(aliased=[3]).add(*second))
        manager.advance()
        assert manager.steps_left == 0
        assert manager.live().resources["id"].tolist() == [3]
        everything = constants.VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT
        device.submit(device.graphics, [], signals=[frames.signal(frame, everything)])
        manager.settle()
    frames.close()


def test_a_mapped_range_is_reused_only_after_the_frames_that_read_it(
    device: Device, profile: DeviceProfile
) -> None:
    frames = Timeline(device, "frames")
    first = Written().place(A, 2, 0, 256).add(*buffer(profile, 2, 512, mapped=True), publish((A, 2, 0)))
    second = Written().place(B, 2, 0, 256).add(Withdraw(longs(A)), publish((B, 2, 0)))
    with MemoryManager(device, profile, frames=frames) as manager:
        manager.submit(first)
        manager.settle()
        frame = frames.next()
        manager.submit(second)
        assert not manager.advance()
        assert manager.location(B) is None
        everything = constants.VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT
        device.submit(device.graphics, [], signals=[frames.signal(frame, everything)])
        assert frames.wait(frame)
        assert manager.advance()
        assert manager.location(B) is not None
    frames.close()


def test_staging_memory_is_allocated_only_if_a_transfer_needs_it(
    device: Device, profile: DeviceProfile, cache: Bytes, pace: Pace
) -> None:
    written = staged(profile).place(A, 2, 0, 64)
    written.add(transfer(1, [(0, 0, 64)], [(0, 2, 0, 64)]), ClearStaging(1), publish((A, 2, 0)))
    asset = profile.buffer_requirements(1 << 20, STAGED).size
    staging = profile.buffer_requirements(1 << 20, STAGING).size
    with MemoryManager(device, profile, {0: cache}, pace=pace) as manager:
        manager.submit(end_staging(written))
        manager.settle()
        assert np.array_equal(contents(device, manager, A), cache[:64])
        assert manager.peak_bytes == asset + (0 if writes_directly(profile, pace) else staging)
        assert manager.live_bytes == asset
