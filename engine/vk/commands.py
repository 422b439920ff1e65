"""Vulkan functions of one dispatch level: raw for hot paths, or checked.

`commands.vkCmdDraw(...)` is the function itself, looked up once; a call takes a quarter of a microsecond.
`commands.call("vkCreateBuffer", ...)` is counted, can be made to fail by a test, and raises on errors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.vk.binding import NULL, ffi
from engine.vk.errors import NotPresent, Result, UsedAfterFork, as_result, error_for
from engine.vk.faults import faults


class Commands:
    """Functions that `find` returns for `owner`: an instance, a device, or NULL for the loader."""

    def __init__(self, find: Callable[[Any, bytes], Any], owner: Any = NULL) -> None:
        self._find = find
        self._owner = owner

    def disown(self) -> None:
        """Raise UsedAfterFork at every use from now on."""
        vars(self).clear()
        self._find, self._owner = _refuse, NULL

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("vk"):
            raise AttributeError(name)
        address = self._find(self._owner, name.encode())
        if address == NULL:
            raise NotPresent(name, Result.EXTENSION_NOT_PRESENT, "the driver has no such function")
        function = ffi.cast("PFN_" + name, address)
        setattr(self, name, function)
        return function

    def call(self, name: str, *arguments: Any, allow: tuple[Result, ...] = ()) -> Result:
        """Call a function that returns VkResult.

        Returns SUCCESS or a result in `allow`; raises the VulkanError of any other.
        """
        function = getattr(self, name)
        injected = faults.injected_result(name)
        result: int = (
            function(*arguments) if injected is None or faults.is_executed(name, injected) else injected
        )
        if injected is not None and result >= 0:
            result = injected
        if result == 0:
            return Result.SUCCESS
        named = as_result(result)
        if isinstance(named, Result) and named in allow:
            return named
        raise error_for(name, result)

    def enumerate(self, name: str, type_name: str, *arguments: Any) -> list[Any]:
        """Return the elements of a list, with the two-call idiom; repeats while the result is INCOMPLETE."""
        count = ffi.new("uint32_t *")
        while True:
            self.call(name, *arguments, count, NULL, allow=(Result.INCOMPLETE,))
            items = ffi.new(f"{type_name}[]", max(1, count[0]))
            if self.call(name, *arguments, count, items, allow=(Result.INCOMPLETE,)) is Result.SUCCESS:
                return [_apart(items, index) for index in range(count[0])]


def _apart(items: Any, index: int) -> Any:
    """Return an element of an array; a struct as a copy, since a reference does not keep the array."""
    item = items[index]
    kind = ffi.typeof(items).item
    return ffi.new(ffi.getctype(kind, "*"), item)[0] if kind.kind == "struct" else item


def _refuse(_owner: Any, name: bytes) -> Any:
    raise UsedAfterFork(name.decode())
