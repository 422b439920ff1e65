"""SIGINT, SIGTERM and SIGHUP: each ends a command in order, and once.

Cooking, planning and reading are ended by an exception, `Stopped`, which is raised wherever the main thread
is. While frames are drawn (`deferred`) a signal is only noted, the frame is finished and the files asked for
are written. From then on everything closes, and further signals change nothing; only a second Ctrl-C while
frames are drawn raises: it ends a scene script that draws no more frames.

A process that ends frees nothing that its end frees: the exception and the frames of its traceback, with all
that a command has read, are kept, and no cycles are looked for in it. Of a million objects, each takes a
second.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum, auto
from types import FrameType
from typing import Any

_RETRY_S = 0.01


class Stopped(KeyboardInterrupt):
    """A signal asked the process to end: its number."""


class _Reaction(Enum):
    RAISE = auto()
    NOTE = auto()
    IGNORE = auto()
    END = auto()


class StopSignals:
    """Handles the stop signals of this process; `number` is the first that came, 0 before.

    Signals that were ignored when it began to listen stay so: `nohup` ignores SIGHUP. Only SIGINT is handled
    always, as shells ignore it for every job in the background, where it may be sent on purpose.
    """

    def __init__(self) -> None:
        self.number = 0
        self._raised: Stopped | None = None
        self._reaction = _Reaction.RAISE
        self._before: dict[int, Any] = {}
        self._hook_before = sys.unraisablehook
        self._terminals: list[int] = []

    @property
    def exit_code(self) -> int:
        """The exit code of a process that a signal has ended; that of SIGINT if none came."""
        return 128 + (self.number or signal.SIGINT)

    @property
    def has_raised(self) -> bool:
        """Whether Stopped was raised; an import may turn it into another exception."""
        return self._raised is not None

    @property
    def is_listening(self) -> bool:
        """Whether the signals are handled."""
        return bool(self._before)

    @property
    def is_stopping(self) -> bool:
        """Whether a signal has come in the run that is under way, which handles them."""
        return self.number != 0 and self.is_listening

    def listen(self) -> None:
        """Handle the signals from now on; only on the main thread."""
        self.number, self._raised, self._reaction = 0, None, _Reaction.RAISE
        self._terminals = [descriptor for descriptor in (1, 2) if os.isatty(descriptor)]
        self._hook_before, sys.unraisablehook = sys.unraisablehook, self._on_unraisable
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)  # Windows has no SIGHUP
            if number == signal.SIGINT or (number and signal.getsignal(number) != signal.SIG_IGN):
                self._before[number] = signal.signal(number, self._on_signal)

    def restore(self) -> None:
        """Handle the signals as before `listen`."""
        while self._before:
            number, before = self._before.popitem()
            signal.signal(number, signal.SIG_DFL if before is None else before)
        sys.unraisablehook = self._hook_before
        if self._raised is not None:
            self._raised = None
            gc.unfreeze()

    def end_at_once(self) -> None:
        """Let signals end the process: the command is over, and Python waits for what it has left."""
        self._reaction = _Reaction.END

    def ignore(self) -> None:
        """Ignore further signals: the process is ending, and Python removes its own handlers before that."""
        self._reaction = _Reaction.IGNORE
        for number in self._before:
            signal.signal(number, signal.SIG_IGN)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Handle the signals in the block, unless they are handled already or this is not the main thread."""
        if self.is_listening or threading.current_thread() is not threading.main_thread():
            yield
            return
        self.listen()
        try:
            yield
        finally:
            self.restore()

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Only note the first signal in the block, which checks `number`; a second Ctrl-C raises Stopped."""
        with self._reacting(_Reaction.NOTE):
            yield

    @contextmanager
    def closing(self) -> Iterator[None]:
        """Only note signals in the block, which releases what was opened."""
        with self._reacting(_Reaction.IGNORE):
            yield

    @contextmanager
    def _reacting(self, reaction: _Reaction) -> Iterator[None]:
        before, self._reaction = self._reaction, reaction
        try:
            yield
        finally:
            self._reaction = before

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        is_first = not self.number
        self.number = self.number or number
        if self._reaction is _Reaction.END:
            os._exit(128 + number)
        if number == getattr(signal, "SIGHUP", 0):
            self._leave_terminals()
        is_noted = self._reaction is _Reaction.NOTE and (is_first or number != signal.SIGINT)
        is_ending = self._reaction is _Reaction.RAISE and not is_first
        if self.has_raised or self._reaction is _Reaction.IGNORE or is_noted or is_ending:
            return
        gc.freeze()
        self._raised = Stopped(self.number)
        raise self._raised

    def _leave_terminals(self) -> None:
        """Redirect output to terminals that are gone to where writing succeeds."""
        for descriptor in self._terminals:
            if not os.isatty(descriptor):
                with suppress(OSError):
                    os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)

    def _on_unraisable(self, lost: sys.UnraisableHookArgs, /) -> None:
        """Raise again where Python drops the exception: in a finalizer, or a callback of C code."""
        if not isinstance(lost.exc_value, Stopped):
            self._hook_before(lost)
            return
        number, self.number, self._raised = self.number, 0, None
        threading.Timer(_RETRY_S, _send, (number,)).start()


def _send(number: int) -> None:
    """Send a signal to the main thread, whatever it waits for."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, number)
    else:
        signal.raise_signal(number)


stop_signals = StopSignals()
"""The only one: signals concern the whole process."""
