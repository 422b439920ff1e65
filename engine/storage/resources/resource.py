"""Resource, the base class: a name, one release, and a finalizer that only enqueues."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any, Protocol, Self

from engine.memory.device.problems import DoubleFree, UseAfterClose
from engine.memory.device.samplers import SamplerPool
from engine.storage.uploads import Staging
from engine.vk.device import Device


class Owner(Protocol):
    """What resources need of the ResourceAllocator that makes them."""

    device: Device
    samplers: SamplerPool

    @property
    def staging(self) -> Staging:
        """What updates and downloads go through."""

    def adopt(
        self, release: weakref.finalize[Any, Any], parts: list[Callable[[], Any]], kind: str, name: str
    ) -> None:
        """Note a new resource, until its last part is run."""

    def retire(self, parts: list[Callable[[], Any]]) -> None:
        """Have parts released after their last use; from any thread."""


class Resource:
    """A device object with one owner.

    `close` it, leave its `with`, or drop it: `parts` (its destroy calls, in order) are run by the
    allocator's `collect` on the render thread, after the last work that may use it.
    """

    def __init__(self, owner: Owner, name: str, why: str, parts: list[Callable[[], Any]]) -> None:
        self.name = name
        self.why = why
        self.owner = owner
        self._release = weakref.finalize(self, owner.retire, parts)
        self._release.atexit = False
        owner.adopt(self._release, parts, type(self).__name__, name)

    @property
    def is_closed(self) -> bool:
        """Whether it was closed."""
        return not self._release.alive

    def check_open(self, doing: str) -> None:
        """Raise UseAfterClose where it is closed."""
        if not self._release.alive:
            raise UseAfterClose(self.name, f"{doing}, and it is closed")

    def close(self) -> None:
        """Release it after its last use. Raises DoubleFree the second time."""
        if not self._release.alive:
            raise DoubleFree(self.name, "it is closed a second time")
        self._release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._release.alive:
            self.close()
