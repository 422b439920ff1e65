"""Failing calls, lost devices, interrupts: the memory manager continues or leaves no object behind."""

from __future__ import annotations

import threading
import time
from contextlib import nullcontext, suppress

import numpy as np
import pytest
from numpy.typing import NDArray
from support.limits import limit
from support.schedules import (
    SHAPE,
    A,
    buffer,
    contents,
    end_staging,
    image,
    publish,
    staged,
    transfer,
    writes_directly,
)

from engine.memory.streaming.executor import Executor
from engine.memory.streaming.manager import MemoryManager, Pace
from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.resident.steps import AnyStep
from engine.vk.device import Device
from engine.vk.errors import (
    DeviceLost,
    DioramaInternalError,
    OutOfDeviceMemory,
    OutOfHostMemory,
    Result,
    TookTooLong,
)
from engine.vk.faults import faults

pytestmark = pytest.mark.gpu
PATIENCE_S = limit(0.5)
STAGED_ONLY = Pace(direct=False, milliseconds=1e3)

Bytes = NDArray[np.uint8]


@pytest.mark.parametrize("function", ["vkAllocateMemory", "vkCreateBuffer", "vkBindBufferMemory2"])
def test_a_step_that_fails_is_carried_out_by_the_next_advance(
    device: Device, profile: DeviceProfile, cache: Bytes, function: str, pace: Pace
) -> None:
    written = staged(profile).place(A, 2, 0, 64)
    written.add(transfer(1, [(9, 0, 64)], [(0, 2, 0, 64)]), publish((A, 2, 0)))
    with MemoryManager(device, profile, {0: cache}, pace=pace) as manager:
        manager.submit(written)
        with (
            faults.injected(1, Result.OUT_OF_DEVICE_MEMORY, function=function),
            pytest.raises(OutOfDeviceMemory),
        ):
            manager.settle()
        manager.settle()
        assert np.array_equal(contents(device, manager, A), cache[9:73])


def test_what_was_published_before_a_failure_is_uploaded(
    device: Device, profile: DeviceProfile, cache: Bytes, pace: Pace
) -> None:
    written = staged(profile).place(A, 2, 0, 64)
    written.add(transfer(1, [(9, 0, 64)], [(0, 2, 0, 64)]), publish((A, 2, 0)), *buffer(profile, 3, 64))
    with MemoryManager(device, profile, {0: cache}, pace=pace) as manager:
        manager.submit(written)
        with (
            faults.injected(
                2 if writes_directly(profile, pace) else 3,
                Result.OUT_OF_DEVICE_MEMORY,
                function="vkAllocateMemory",
            ),
            pytest.raises(OutOfDeviceMemory),
        ):
            manager.settle()
        assert np.array_equal(contents(device, manager, A), cache[9:73])


def test_every_failing_call_leaves_nothing_behind(
    device: Device, profile: DeviceProfile, cache: Bytes, pace: Pace
) -> None:
    base, nth, failed = device.handles.counts(), 0, True
    written = staged(profile).place(A, 2, 0, 64).add(*image(profile, 3, SHAPE, 2))
    written.add(transfer(1, [(9, 0, 64)], [(0, 2, 0, 64)]), publish((A, 2, 0)))
    end_staging(written)
    while failed:
        nth += 1
        with faults.injected(nth, Result.OUT_OF_HOST_MEMORY) as injected:
            with suppress(OutOfHostMemory), MemoryManager(device, profile, {0: cache}, pace=pace) as manager:
                manager.submit(written)
                manager.settle()
            failed = injected.hits > 0
        assert device.handles.counts() == base
        assert nth < 100
    assert nth > 15


@pytest.mark.parametrize("is_recording", [True, False], ids=["recording", "recording begins with the copy"])
def test_every_failing_call_is_repaired_by_the_next_advance(
    device: Device, profile: DeviceProfile, cache: Bytes, pace: Pace, is_recording: bool
) -> None:
    """The device fixture fails on validation messages, of a second vkEndCommandBuffer for example."""
    nth, failed = 0, True
    while failed:
        nth += 1
        written = staged(profile).place(A, 2, 0, 64)
        if is_recording:
            written.add(*image(profile, 3, SHAPE, 2))
        written.add(transfer(1, [(9, 0, 64)], [(0, 2, 0, 64)]), publish((A, 2, 0)))
        with MemoryManager(device, profile, {0: cache}, pace=pace) as manager:
            manager.submit(written)
            with faults.injected(nth, Result.OUT_OF_HOST_MEMORY) as injected:
                with suppress(OutOfHostMemory):
                    manager.settle()
                failed = injected.hits > 0
            manager.settle()
            assert np.array_equal(contents(device, manager, A), cache[9:73]), nth
    assert nth > (10 if is_recording else 3)


@pytest.mark.parametrize("delay_s", [PATIENCE_S / 5, PATIENCE_S * 2], ids=["each-in-time", "one-too-late"])
def test_a_schedule_may_take_long_while_steps_are_completed(
    device: Device, profile: DeviceProfile, cache: Bytes, monkeypatch: pytest.MonkeyPatch, delay_s: float
) -> None:
    carry_out, begun = Executor.carry_out, time.monotonic()
    ready_at = dict[int, float]()

    def late(executor: Executor, step: AnyStep) -> bool:
        ready = ready_at.setdefault(id(step), time.monotonic() + delay_s)
        if time.monotonic() > ready:
            return carry_out(executor, step)
        time.sleep(0.002)  # a step is tried again and again
        return False

    monkeypatch.setattr(Executor, "carry_out", late)
    written = staged(profile).place(A, 2, 0, 64)
    written.add(transfer(1, [(9, 0, 64)], [(0, 2, 0, 64)]), publish((A, 2, 0)))
    with MemoryManager(device, profile, {0: cache}, pace=STAGED_ONLY) as manager:
        manager.submit(written)
        slow = (
            nullcontext() if delay_s < PATIENCE_S else pytest.raises(TookTooLong, match="none was completed")
        )
        with slow:
            manager.settle(patience_s=PATIENCE_S)
        if manager.settled:
            assert time.monotonic() - begun > PATIENCE_S
            assert np.array_equal(contents(device, manager, A), cache[9:73])


def test_a_read_that_hangs_is_reported(
    device: Device, profile: DeviceProfile, cache: Bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    monkeypatch.setattr("engine.memory.streaming.transfers.WAIT_S", 0.05)
    monkeypatch.setattr("engine.memory.streaming.caches.MemoryCache._copy", lambda *_, **__: go_on.wait(20))
    written = staged(profile).place(A, 2, 0, 1 << 20)
    written.add(transfer(1, [(0, 0, 1 << 20)], [(0, 2, 0, 1 << 20)]), publish((A, 2, 0)))
    with MemoryManager(device, profile, {0: np.zeros(1 << 20, np.uint8)}, pace=STAGED_ONLY) as manager:
        manager.submit(written)
        with pytest.raises(TookTooLong, match=r"steps are left, and none was completed for 0\.1 s"):
            manager.settle(patience_s=0.1)
        go_on.set()
        manager.settle()


def test_a_lost_device_still_closes_in_order(device: Device, profile: DeviceProfile, cache: Bytes) -> None:
    base = device.handles.counts()
    written = staged(profile).place(A, 2, 0, 64)
    written.add(transfer(1, [(9, 0, 64)], [(0, 2, 0, 64)]), publish((A, 2, 0)))
    manager = MemoryManager(device, profile, {0: cache}, pace=STAGED_ONLY)
    manager.submit(written)
    with faults.injected(1, Result.DEVICE_LOST, function="vkQueueSubmit2", onwards=True):
        with pytest.raises(DeviceLost, match="memory step"):
            manager.settle()
        assert device.lost
        manager.close()
    assert device.handles.counts() == base


def test_an_interrupt_while_recording_leaves_nothing_behind(
    device: Device, profile: DeviceProfile, cache: Bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    base = device.handles.counts()
    written = staged(profile).place(A, 2, 0, 64).add(*image(profile, 3, SHAPE, 2))
    written.add(transfer(1, [(9, 0, 64)], [(0, 2, 0, 64)]), publish((A, 2, 0)))
    monkeypatch.setattr("engine.memory.commands.copies.transfer", interrupt)
    with MemoryManager(device, profile, {0: cache}, pace=STAGED_ONLY) as manager:
        manager.submit(written)
        with pytest.raises(KeyboardInterrupt):
            manager.settle()
        assert device.handles.counts() != base
    assert device.handles.counts() == base


def test_a_transfer_beyond_its_cache_is_an_internal_error(
    device: Device, profile: DeviceProfile, cache: Bytes, pace: Pace
) -> None:
    written = staged(profile).add(transfer(1, [(len(cache) - 32, 0, 64)], [(0, 2, 0, 64)]))
    with MemoryManager(device, profile, {0: cache}, pace=pace) as manager:
        manager.submit(written)
        with pytest.raises(DioramaInternalError, match="beyond the 4194304 bytes of its cache"):
            manager.settle()
