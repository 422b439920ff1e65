"""The register of live Vulkan objects by type and name, which must be empty after close."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass
from typing import Any

from engine.vk.binding import ffi
from engine.vk.errors import DioramaInternalError


@dataclass(frozen=True, slots=True)
class LiveHandle:
    """One live object; `serial` is the order of creation, `why` its requester."""

    type: str
    handle: Any
    name: str
    why: str
    serial: int

    def __str__(self) -> str:
        return f"{self.type} '{self.name}'" + (f" ({self.why})" if self.why else "")


class LiveHandles:
    """The register of every create and destroy; thread-safe."""

    def __init__(self) -> None:
        self.leaks: list[LiveHandle] = []
        self.forget()

    def forget(self) -> None:
        """Start empty, in a forked child: another thread of its parent may have held the lock."""
        self._lock = threading.Lock()
        self._live: dict[tuple[str, int], list[LiveHandle]] = {}
        self._counts: Counter[str] = Counter()
        self._serial = 0
        self.leaks.clear()

    def add(self, type_name: str, handle: Any, name: str = "", why: str = "") -> LiveHandle:
        """Register a live handle; equal handles (drivers may share them) are counted."""
        with self._lock:
            self._serial += 1
            entry = LiveHandle(type_name, handle, name, why, self._serial)
            self._live.setdefault((type_name, _number(handle)), []).append(entry)
            self._counts[type_name] += 1
        return entry

    def remove(self, type_name: str, handle: Any) -> LiveHandle:
        """Unregister a handle. Raises DioramaInternalError if it is not live (a double destroy)."""
        key = (type_name, _number(handle))
        with self._lock:
            entries = self._live.get(key)
            if not entries:
                raise DioramaInternalError(f"{type_name} {key[1]:#x} is destroyed, but it is not live")
            entry = entries.pop()
            if not entries:
                del self._live[key]
            self._counts[type_name] -= 1
            return entry

    def find(self, type_name: str, handle: Any) -> LiveHandle | None:
        """Return the entry of a live handle, or None."""
        entries = self._live.get((type_name, _number(handle)))
        return entries[-1] if entries else None

    def counts(self) -> dict[str, int]:
        """Return the number of live objects per type, without zeros."""
        with self._lock:
            return {type_name: count for type_name, count in sorted(self._counts.items()) if count}

    @property
    def total(self) -> int:
        """The number of live objects of all types."""
        return sum(self._counts.values())

    @property
    def left_behind(self) -> int:
        """The number of objects that are live or were leaked: destroyed by close instead of their owner."""
        return self.total + len(self.leaks)

    def live(self, *type_names: str) -> list[LiveHandle]:
        """Return the live objects of these types, or all, oldest first."""
        with self._lock:
            entries = [entry for same in self._live.values() for entry in same]
        chosen = [entry for entry in entries if not type_names or entry.type in type_names]
        return sorted(chosen, key=lambda entry: entry.serial)


def _number(handle: Any) -> int:
    return int(ffi.cast("uintptr_t", handle))
