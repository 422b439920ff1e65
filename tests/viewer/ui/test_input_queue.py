"""What ImGui takes in within one frame, and what waits for the next."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from imgui_bundle import imgui

from viewer.ui.input_queue import InputQueue
from viewer.window.window import Input

CTRL, D = imgui.Key.mod_ctrl, imgui.Key.d


@pytest.fixture
def queue() -> Iterator[InputQueue]:
    context = imgui.create_context()
    imgui.get_io().set_ini_filename("")
    imgui.get_io().display_size = (100, 100)
    imgui.get_io().backend_flags |= imgui.BackendFlags_.renderer_has_textures.value
    yield InputQueue(context)
    imgui.destroy_context(context)


def frame(queue: InputQueue) -> None:
    with queue.one_frame():
        imgui.new_frame()
    imgui.end_frame()


def key(queue: InputQueue, which: imgui.Key, *, is_down: bool) -> None:
    if which is CTRL:
        queue.note(Input.MODIFIER)
    elif is_down:
        queue.note(Input.KEY)
    imgui.get_io().add_key_event(which, is_down)


def presses(queue: InputQueue) -> list[bool]:
    """Draw frames until the queue is empty; for each press of D whether it was Ctrl+D."""
    found = []
    for _ in range(100):
        frame(queue)
        if imgui.is_key_pressed(D, False):
            found.append(imgui.is_key_chord_pressed(int(CTRL) | int(D)))
        if queue.is_empty:
            return found
    raise AssertionError("the queue is never empty")


def test_a_key_counts_with_ctrl_where_ctrl_is_released_in_the_same_frame(queue: InputQueue) -> None:
    key(queue, CTRL, is_down=True)
    frame(queue)
    key(queue, D, is_down=True)
    key(queue, CTRL, is_down=False)
    key(queue, D, is_down=False)
    assert presses(queue) == [True]
    assert not imgui.get_io().key_ctrl


def test_ctrl_that_comes_after_a_key_does_not_count_for_it(queue: InputQueue) -> None:
    key(queue, D, is_down=True)
    key(queue, CTRL, is_down=True)
    assert presses(queue) == [False]
    assert imgui.get_io().key_ctrl


def test_many_taps_at_once_count_each(queue: InputQueue) -> None:
    for _ in range(20):
        for which, is_down in ((CTRL, True), (D, True), (CTRL, False), (D, False)):
            key(queue, which, is_down=is_down)
    assert presses(queue) == [True] * 20


def test_a_mouse_is_over_what_it_presses_in_the_frame_before(queue: InputQueue) -> None:
    io = imgui.get_io()
    queue.note(Input.MOVE)
    io.add_mouse_pos_event(5, 5)
    io.add_mouse_viewport_event(1)  # ImGui gives it no number
    queue.note(Input.BUTTON)
    io.add_mouse_button_event(0, True)
    io.add_mouse_button_event(0, False)
    frame(queue)
    assert io.mouse_pos.x == 5
    assert not imgui.is_mouse_down(0)
    frame(queue)
    assert imgui.is_mouse_clicked(0)
    frame(queue)
    assert imgui.is_mouse_released(0)
    assert queue.is_empty
