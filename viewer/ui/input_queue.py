"""Input that ImGui has been given and not taken in yet: it hands events out over several frames.

ImGui separates what happens twice to one key, and little else. More rules make every tap, click and letter
count, however slow frames are: a key, button or turn of the wheel counts with the modifiers that were down
then, and the mouse is where it presses for a frame before it does, as items that may overlap require. A field
that a key or a new popup asks to have the keyboard has it two frames later: what is typed meanwhile waits.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from imgui_bundle import imgui

from viewer.window.window import Input

MOST_HELD = 4
"""Frames in a row in which keys and text wait for a field, at most."""
_SEPARATED = {
    Input.MODIFIER: frozenset({Input.KEY, Input.BUTTON, Input.WHEEL}),
    Input.BUTTON: frozenset({Input.MOVE}),
}
"""What may not come before an event in the same frame."""
_ASKED = imgui.internal.NavMoveFlags_.focus_api.value


class InputQueue:
    """The queue of an ImGui context; `note` is called before ImGui is given an event."""

    def __init__(self, context: imgui.internal.Context) -> None:
        self._context = context
        self._since: set[Input] = set()
        self._cuts: deque[int] = deque()  # identities of the events that begin another frame
        self._presses: deque[int] = deque()  # identities of keys that were pressed, other than modifiers
        self._popups = 0
        self._held = 0

    @property
    def is_empty(self) -> bool:
        """Whether ImGui has taken in everything."""
        return len(self._context.input_events_queue) == 0

    def note(self, event: Input) -> None:
        """Note what ImGui is about to be given."""
        following = self._context.input_events_next_event_id
        if self._since & _SEPARATED.get(event, frozenset()):
            self._since.clear()
            self._cuts.append(following)
        if event is Input.KEY and (
            not self._presses or self._presses[-1] != following
        ):  # ImGui took the last
            self._presses.append(following)
        self._since.add(event)

    @contextmanager
    def one_frame(self) -> Iterator[None]:
        """Leave in the queue what one frame may take in, and put the rest back behind it afterwards."""
        queue = self._context.input_events_queue
        known = [event.event_id for event in queue]  # 0: ImGui does not count it
        kept = min(self._before_cut(known), self._before_typing(known))
        if kept == len(known):
            yield
            return
        whole = imgui.ImVector_InputEvent(queue)
        while len(queue) > kept:
            queue.pop_back()
        yield
        for number in range(kept, len(whole)):
            queue.push_back(whole[number])

    def _before_cut(self, known: Sequence[int]) -> int:
        """How many events come before the first that begins another frame."""
        while self._cuts and not any(0 < identity < self._cuts[0] for identity in known):
            self._cuts.popleft()
        if not self._cuts:
            return len(known)
        return next((at for at, identity in enumerate(known) if identity >= self._cuts[0]), len(known))

    def _before_typing(self, known: Sequence[int]) -> int:
        """How many events come before what is typed for a field that does not have the keyboard yet.

        While none has it, a frame takes one key: that key may give it to a field.
        """
        first = min((identity for identity in known if identity), default=0)
        while self._presses and (not first or self._presses[0] < first):
            self._presses.popleft()
        popups = len(self._context.open_popup_stack)
        is_asked = self._context.nav_move_submitted and self._context.nav_move_flags & _ASKED
        is_held = (is_asked or popups != self._popups) and self._held < MOST_HELD
        self._popups = popups
        self._held = self._held + 1 if is_held else 0
        if is_held:
            typed = set(self._presses)
            for at, event in enumerate(self._context.input_events_queue):
                if event.event_id in typed or event.type is imgui.internal.InputEventType.text:
                    return at
        elif len(self._presses) > 1 and not imgui.get_io().want_text_input:
            return known.index(self._presses[1]) if self._presses[1] in known else len(known)
        return len(known)
