"""Vulkan that only writes down what it is asked for: handles are numbers, and nothing is executed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.vk.binding import ffi
from engine.vk.device import Queue
from engine.vk.errors import Result


def handle(type_name: str, number: int) -> Any:
    return ffi.cast(type_name, number)


def number(made: Any) -> int:
    return int(ffi.cast("uintptr_t", made))


class RecordedCommands:
    """Stands for `Commands`: keeps (name, arguments) of every vkCmd call."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[Any, ...]]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments: self.calls.append((name, arguments))

    def named(self, name: str) -> list[tuple[Any, ...]]:
        return [arguments for called, arguments in self.calls if called == name]

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.calls]


@dataclass
class Submitted:
    """One submit; `waits` and `signals` are (semaphore, value, stages)."""

    family: int
    buffers: list[int]
    waits: list[tuple[int, int, int]]
    signals: list[tuple[int, int, int]]


@dataclass
class RecordedDevice:
    """Stands for `Device`, with a copy-only queue if `transfer`: semaphores reach what `finish` says."""

    transfer: Queue | None = None
    graphics: Queue = field(default_factory=lambda: Queue(handle("VkQueue", 1), 0, "graphics"))
    vk: RecordedCommands = field(default_factory=RecordedCommands)
    submits: list[Submitted] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    destroyed: list[str] = field(default_factory=list)
    infos: list[tuple[str, Any]] = field(default_factory=list)
    refuse: str = ""
    handle: int = 0
    idle_waits: int = 0
    _made: int = 100
    _values: dict[int, int] = field(default_factory=dict)

    def create(self, type_name: str, info: Any, *, name: str = "", why: str = "") -> Any:
        if type_name == self.refuse:
            raise MemoryError(type_name)
        self._made += 1
        self.infos.append((type_name, info))
        return handle(f"Vk{type_name}", self._made)

    def destroy(self, type_name: str, _handle: Any) -> None:
        self.destroyed.append(type_name)

    def set_name(self, *_: Any) -> None:
        pass

    def call(self, name: str, *arguments: Any, allow: tuple[Result, ...] = ()) -> Result:
        self.calls.append(name)
        if name == "vkAllocateCommandBuffers":
            self._made += 1
            arguments[2][0] = handle("VkCommandBuffer", self._made)
        if name == "vkGetSemaphoreCounterValue":
            arguments[2][0] = self._values.get(number(arguments[1]), 0)
        if name == "vkWaitSemaphores":
            reached = self._values.get(number(arguments[1].pSemaphores[0]), 0)
            return Result.SUCCESS if arguments[1].pValues[0] <= reached else Result.TIMEOUT
        return Result.SUCCESS

    def submit(
        self,
        queue: Queue,
        command_buffers: Sequence[Any],
        *,
        waits: Sequence[tuple[Any, int, int]] = (),
        signals: Sequence[tuple[Any, int, int]] = (),
    ) -> None:
        if self.refuse == "submit":
            raise MemoryError("submit")
        sides = ([(number(s), value, stages) for s, value, stages in side] for side in (waits, signals))
        self.submits.append(Submitted(queue.family, [number(b) for b in command_buffers], *sides))

    def wait_idle(self) -> None:
        self.idle_waits += 1

    def finish(self, timeline: Any) -> None:
        """Let the device be through with everything submitted on a timeline."""
        self._values[number(timeline.handle)] = timeline.submitted
