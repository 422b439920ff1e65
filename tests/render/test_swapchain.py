"""The swapchain follows its window, through every result of acquire and present."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from support.display import Display
from support.limits import limit
from support.windowed import Windowed, checked_window

from engine.vk.errors import DeviceLost, Result
from engine.vk.faults import faults

Function = Callable[..., object]
pytestmark = pytest.mark.gpu


@pytest.fixture
def windowed(display: Display) -> Iterator[Windowed]:
    with checked_window() as made:
        yield made


def show(windowed: Windowed, frames: int) -> None:
    """Present this many frames; fail after ten seconds."""
    goal, deadline = windowed.shown + frames, time.monotonic() + limit(10.0)
    while windowed.shown < goal:
        assert time.monotonic() < deadline, "no frames are coming"
        windowed.window.poll()
        target = windowed.swapchain.acquire()
        if target is not None:
            windowed.draw(target)


def resize(windowed: Windowed, width: int, height: int) -> None:
    windowed.window.resize(width, height)
    deadline = time.monotonic() + limit(10.0)
    while windowed.swapchain.extent != (width, height):
        assert time.monotonic() < deadline, f"the swapchain stays at {windowed.swapchain.extent}"
        show(windowed, 1)


def test_frames_are_shown_at_the_size_of_the_window(windowed: Windowed) -> None:
    show(windowed, 8)
    assert windowed.swapchain.extent == (320, 200)
    assert windowed.swapchain.generation == 1


def test_five_hundred_resizes_leak_nothing(windowed: Windowed) -> None:
    show(windowed, 8)
    before = windowed.device.handles.counts()
    for step in range(500):
        resize(windowed, 200 + 7 * (step % 13), 150 + 5 * (step % 11))
        assert windowed.swapchain.retired <= 8
    assert windowed.swapchain.generation > 500
    resize(windowed, 320, 200)
    show(windowed, 8)
    assert windowed.swapchain.retired == 0
    after = windowed.device.handles.counts()
    assert after.pop("Semaphore") <= before.pop("Semaphore") + 2
    assert after == before


def test_a_suboptimal_acquire_keeps_its_image_and_the_next_frame_has_a_new_swapchain(
    windowed: Windowed,
) -> None:
    show(windowed, 3)
    with faults.injected(1, Result.SUBOPTIMAL, function="vkAcquireNextImageKHR") as reported:
        target = windowed.swapchain.acquire()
        assert reported.hits == 1
    assert target is not None
    assert windowed.swapchain.generation == 1
    assert windowed.draw(target)
    show(windowed, 1)
    assert windowed.swapchain.generation == 2


def test_an_out_of_date_acquire_is_repeated_on_a_new_swapchain(windowed: Windowed) -> None:
    show(windowed, 3)
    with faults.injected(1, Result.OUT_OF_DATE, function="vkAcquireNextImageKHR"):
        target = windowed.swapchain.acquire()
    assert target is not None
    assert windowed.swapchain.generation == 2
    assert windowed.draw(target)


def test_an_acquire_that_stays_out_of_date_skips_the_frame(windowed: Windowed) -> None:
    show(windowed, 3)
    with faults.injected(1, Result.OUT_OF_DATE, function="vkAcquireNextImageKHR", onwards=True):
        assert windowed.swapchain.acquire() is None
    show(windowed, 3)


@pytest.mark.parametrize("result", [Result.OUT_OF_DATE, Result.SUBOPTIMAL])
def test_a_present_out_of_date_or_suboptimal_makes_a_new_swapchain_and_has_waited_for_its_semaphore(
    windowed: Windowed, result: Result
) -> None:
    for round_number in range(1, 7):
        show(windowed, 2)
        target = windowed.swapchain.acquire()
        assert target is not None
        with faults.injected(1, result, function="vkQueuePresentKHR"):
            assert windowed.draw(target) is (result is Result.SUBOPTIMAL)
        show(windowed, 1)
        assert windowed.swapchain.generation == 1 + round_number


@pytest.mark.parametrize("function", ["vkAcquireNextImageKHR", "vkQueuePresentKHR"])
def test_a_lost_surface_is_recreated(windowed: Windowed, function: str) -> None:
    show(windowed, 3)
    lost = windowed.surface.handle
    with faults.injected(1, Result.SURFACE_LOST, function=function) as reported:
        target = windowed.swapchain.acquire()
        assert target is not None
        shown = windowed.draw(target)
        assert reported.hits == 1
        assert shown is (function == "vkAcquireNextImageKHR")
    assert windowed.surface.handle != lost
    show(windowed, 3)
    assert windowed.device.handles.counts()["SurfaceKHR"] == 1


def test_released_images_leave_no_object_behind(windowed: Windowed) -> None:
    show(windowed, 3)
    for _ in range(5):
        target = windowed.swapchain.acquire()
        assert target is not None
        windowed.swapchain.release(target)
    show(windowed, 6)
    assert windowed.swapchain.generation == 6


@pytest.mark.parametrize("nth", range(1, 9))
def test_a_swapchain_that_cannot_be_created_releases_its_parts(windowed: Windowed, nth: int) -> None:
    show(windowed, 3)
    windowed.swapchain.stale = True
    with faults.injected(nth, Result.OUT_OF_HOST_MEMORY) as reported:
        try:
            target = windowed.swapchain.acquire()
        except MemoryError:
            target = None
        assert reported.hits == 1
    if target is not None:
        windowed.draw(target)
    show(windowed, 6)


def test_a_wait_for_the_queue_that_loses_the_device_is_waited_for_before_anything_is_destroyed(
    windowed: Windowed, monkeypatch: pytest.MonkeyPatch
) -> None:
    show(windowed, 3)
    called: list[str] = []
    commands = windowed.device.vk
    for name in ("vkDeviceWaitIdle", "vkDestroySemaphore"):
        function = getattr(commands, name)

        def logged(*arguments: object, name: str = name, function: Function = function) -> object:
            called.append(name)
            return function(*arguments)

        monkeypatch.setattr(commands, name, logged)
    with (
        faults.injected(1, Result.DEVICE_LOST, function="vkQueueWaitIdle"),
        pytest.raises(DeviceLost),
    ):
        windowed.swapchain.close()
    assert called[0] == "vkDeviceWaitIdle"
    assert "vkDestroySemaphore" in called
