"""Vulkan functions of one dispatch level: raw for hot paths, or checked.

`commands.vkCmdDraw(...)` is the function itself, looked up once and a quarter of a microsecond per
call. `commands.call("vkCreateBuffer", ...)` counts, may be failed by a test, and raises.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.vk.binding import NULL, ffi
from engine.vk.errors import NotPresent, Result, as_result, error_for
from engine.vk.faults import faults


class Commands:
    """The functions that `find` knows for `owner` (an instance, a device, or NULL: the loader)."""

    def __init__(self, find: Callable[[Any, bytes], Any], owner: Any = NULL) -> None:
        self._find = find
        self._owner = owner

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

        Returns SUCCESS or one of `allow`; anything else raises its VulkanError.
        """
        function = getattr(self, name)
        answer = faults.answer(name)
        result: int = function(*arguments) if answer is None or faults.runs(name, answer) else answer
        if answer is not None and result >= 0:
            result = answer
        if result == 0:
            return Result.SUCCESS
        named = as_result(result)
        if isinstance(named, Result) and named in allow:
            return named
        raise error_for(name, result)

    def enumerate(self, name: str, type_name: str, *arguments: Any) -> list[Any]:
        """Run the two-call idiom and return the elements, again while the list grows in between."""
        count = ffi.new("uint32_t *")
        while True:
            self.call(name, *arguments, count, NULL, allow=(Result.INCOMPLETE,))
            items = ffi.new(f"{type_name}[]", max(1, count[0]))
            if self.call(name, *arguments, count, items, allow=(Result.INCOMPLETE,)) is Result.SUCCESS:
                return [items[index] for index in range(count[0])]
