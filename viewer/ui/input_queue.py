"""Input that ImGui has been given and not taken in yet: it hands events out over several frames.

ImGui separates what happens twice to one key, and little else. Two more rules make every tap and click count,
however slow frames are: a key, button or turn of the wheel counts with the modifiers that were down then, and
the mouse is where it presses for a frame before it does, as items that may overlap require.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from imgui_bundle import imgui

from viewer.window.window import Input

_SEPARATED = {
    Input.MODIFIER: frozenset({Input.KEY, Input.BUTTON, Input.WHEEL}),
    Input.BUTTON: frozenset({Input.MOVE}),
}
"""What may not come before an event in the same frame."""


class InputQueue:
    """The queue of an ImGui context; `note` is called before ImGui is given an event."""

    def __init__(self, context: imgui.internal.Context) -> None:
        self._context = context
        self._since: set[Input] = set()
        self._cuts: deque[int] = deque()  # identities of the events that begin another frame

    @property
    def is_empty(self) -> bool:
        """Whether ImGui has taken in everything."""
        return len(self._context.input_events_queue) == 0

    def note(self, event: Input) -> None:
        """Note what ImGui is about to be given."""
        if self._since & _SEPARATED.get(event, frozenset()):
            self._since.clear()
            self._cuts.append(self._context.input_events_next_event_id)
        self._since.add(event)

    @contextmanager
    def one_frame(self) -> Iterator[None]:
        """Leave in the queue what one frame may take in, and put the rest back behind it afterwards."""
        queue = self._context.input_events_queue
        known = [event.event_id for event in queue] if self._cuts else []  # 0: ImGui does not count it
        while self._cuts and not any(0 < identity < self._cuts[0] for identity in known):
            self._cuts.popleft()
        if not self._cuts:
            yield
            return
        whole = imgui.ImVector_InputEvent(queue)
        kept = next((at for at, identity in enumerate(known) if identity >= self._cuts[0]), len(known))
        while len(queue) > kept:
            queue.pop_back()
        yield
        for number in range(kept, len(whole)):
            queue.push_back(whole[number])
