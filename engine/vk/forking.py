"""After os.fork: instances and devices stay with the process that opened them, and the child has none.

A driver's threads do not exist in the child, and its memory may be shared with the parent, so no call may
reach it: the child forgets the handles without destroying them, and a use of its copies raises UsedAfterFork.
With most drivers it may open its own. NVIDIA's (580) waits for ever in such a child, which is refused it.
"""

from __future__ import annotations

import ctypes
import os
from typing import Protocol
from weakref import WeakSet


class Owner(Protocol):
    """What owns Vulkan handles."""

    def disown(self) -> None:
        """Forget all handles, without a call: this is a child of the process that they belong to."""


_owners: WeakSet[Owner] = WeakSet()
_has_inherited = False
_used = ""
_inherited = ""


def add_owner(owner: Owner) -> None:
    """Have a forked child disown these handles, until `remove_owner`."""
    _owners.add(owner)


def remove_owner(owner: Owner) -> None:
    """The handles are destroyed."""
    _owners.discard(owner)


def has_inherited() -> bool:
    """Whether this process is the child of one that had Vulkan open, so that layers hold its state, too."""
    return _has_inherited


def note_driver(driver: str) -> None:
    """Note that a driver is used that works in no child of this process."""
    global _used
    _used = driver


def unusable_driver() -> str:
    """Return the driver that a parent of this process has used and that works in no child; empty for none."""
    return _inherited


def _disown_all() -> None:
    global _has_inherited, _inherited
    _inherited = _used
    for owner in list(_owners):
        owner.disown()
    if _owners:
        _owners.clear()
        _has_inherited = True
        _skip_exit_handlers()


def _skip_exit_handlers() -> None:
    """End the child, when it exits, before the exit handlers of drivers, which wait for the parent's threads.

    Python has finished by then. Mesa's handler crashes or waits for ever once the child has threads.
    """
    libc = ctypes.CDLL(None)
    if hasattr(libc, "on_exit"):  # glibc's: the last handler registered is called first
        libc.on_exit(libc._exit, None)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_disown_all)
