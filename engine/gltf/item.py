"""One value of a glTF file's JSON with its path, and typed reading of it.

A value of an `Item` that is wrong raises; among `Members` it costs itself alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from engine.gltf.codes import GltfCode
from engine.humon import InputError, Problem, Severity, suggestion
from engine.humon.json_text import shown

if TYPE_CHECKING:
    from engine.gltf.document import Gltf

T = TypeVar("T")
Vector = tuple[float, ...]

_KINDS = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}


class Item:
    """A value and its path from the root. Children are made when they are asked for."""

    __slots__ = ("document", "path", "value")

    def __init__(self, document: Gltf, value: Any, path: tuple[str | int, ...] = ()) -> None:
        self.document = document
        self.value = value
        self.path = path

    def problem(
        self, code: str, message: str, help: str = "", severity: Severity = Severity.ERROR
    ) -> Problem:
        """Return a problem at this value: the message ends with its JSON pointer and the byte of the file."""
        return self.document.problem(code, message, self, help, severity)

    def failure(self, code: str, message: str, help: str = "") -> InputError:
        """Return an InputError with one problem at this value."""
        return InputError(self.problem(code, message, help))

    def warn(self, code: str, message: str, help: str = "") -> None:
        """Add a warning at this value to those of the document."""
        self.document.warn(self.problem(code, message, help, Severity.WARNING))

    def get(self, key: str) -> Item | None:
        """Return a member of an object, None where it is absent. Raises `gltf.value` if this is no object."""
        found = self._object().get(key, self)
        return None if found is self else Item(self.document, found, (*self.path, key))

    def as_object(self) -> Item:
        """Return this. Raises `gltf.value` if it is no object."""
        self._object()
        return self

    def required(self, key: str) -> Item:
        """Return a member of an object. Raises `gltf.value` where it is absent."""
        found = self.get(key)
        if found is None:
            message = f"'{key}' is missing"
            raise self.failure(GltfCode.VALUE, message, suggestion(key, self.value))
        return found

    def members(self) -> Iterator[tuple[str, Item]]:
        """Yield the members of an object. Raises `gltf.value` if this is none."""
        for key, value in self._object().items():
            yield key, Item(self.document, value, (*self.path, key))

    def elements(self, limit: int | None = None) -> list[Item]:
        """Return the elements of an array. Raises `gltf.value`, and `gltf.limit` for more than `limit`."""
        if not isinstance(self.value, list):
            raise self._wrong("an array")
        if limit is not None and len(self.value) > limit:
            message = f"the array has {len(self.value)} elements; at most {limit} are read"
            raise self.failure(GltfCode.LIMIT, message)
        return [Item(self.document, value, (*self.path, at)) for at, value in enumerate(self.value)]

    def element(self, index: int) -> Item:
        """Return an element that an array has. Raises `gltf.value` where this is none."""
        if not isinstance(self.value, list):
            raise self._wrong("an array")
        return Item(self.document, self.value[index], (*self.path, index))

    def children(self, key: str, limit: int | None = None) -> list[Item]:
        """Return the elements of the array `key`, none where it is absent."""
        found = self.get(key)
        return [] if found is None else found.elements(limit)

    def text(self) -> str:
        """Return a string."""
        if not isinstance(self.value, str):
            raise self._wrong("a string")
        return self.value

    def boolean(self) -> bool:
        """Return a boolean."""
        if not isinstance(self.value, bool):
            raise self._wrong("a boolean")
        return self.value

    def integer(self, low: int = 0, high: int = 2**53) -> int:
        """Return a whole number from `low` to `high`; `3.0` is one (glTF 2.0, 2.7)."""
        value = self.number()
        if value != math.floor(value):
            raise self._wrong("a whole number")
        if not low <= value <= high:
            raise self.failure(GltfCode.VALUE, f"{shown(self.value)} is not from {low} to {high}")
        return int(value)

    def number(self, low: float = -math.inf, high: float = math.inf) -> float:
        """Return a finite number from `low` to `high`."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | float):
            raise self._wrong("a number")
        try:
            value = float(self.value)
        except OverflowError:
            value = math.inf
        if not math.isfinite(value):
            raise self.failure(GltfCode.VALUE, "the number is not finite")
        if not low <= value <= high:
            bounds = f"below {low:g}" if high == math.inf else f"not from {low:g} to {high:g}"
            raise self.failure(GltfCode.VALUE, f"{shown(self.value)} is {bounds}")
        return value

    def vector(self, count: int, low: float = -math.inf, high: float = math.inf) -> tuple[float, ...]:
        """Return `count` finite numbers from `low` to `high`."""
        elements = self.elements()
        if len(elements) != count:
            raise self.failure(GltfCode.VALUE, f"there must be {count} numbers, not {len(elements)}")
        return tuple(element.number(low, high) for element in elements)

    def choice(self, *names: str) -> str:
        """Return a string that is one of `names`."""
        found = self.text()
        if found not in names:
            raise self.failure(GltfCode.VALUE, f"'{found}' is not known here", suggestion(found, names))
        return found

    def reference(self, array: str) -> Item:
        """Return the element of the root's `array` that this index names. Raises `gltf.reference`."""
        index = self.integer()
        root = self.document.root.value.get(array)
        count = len(root) if isinstance(root, list) else 0
        if index >= count:
            message = f"there is no {array}[{index}]: the file has {count} {array}"
            raise self.failure(GltfCode.REFERENCE, message)
        return Item(self.document, root[index], (array, index))

    def extension(self, name: str) -> Item | None:
        """Return the extension of this object, None without it."""
        found = self.get("extensions")
        return None if found is None else found.get(name)

    def number_or(self, key: str, default: float, low: float = -math.inf, high: float = math.inf) -> float:
        """Return the number `key`, or a default where it is absent."""
        found = self.get(key)
        return default if found is None else found.number(low, high)

    def vector_or(
        self, key: str, default: tuple[float, ...], low: float = -math.inf, high: float = math.inf
    ) -> tuple[float, ...]:
        """Return the numbers `key`, as many as the default has, or that where they are absent."""
        found = self.get(key)
        return default if found is None else found.vector(len(default), low, high)

    @property
    def index(self) -> int:
        """The last step of the path: the number of an element of an array."""
        step = self.path[-1]
        assert isinstance(step, int)
        return step

    @property
    def name(self) -> str:
        """The `name` of an object, empty without one or with one that is no string."""
        found = self.value.get("name", "") if isinstance(self.value, dict) else ""
        return found if isinstance(found, str) else ""

    def check_finite(self, values: npt.NDArray[Any], code: str, what: str) -> None:
        """Raise `code` where a number of an accessor, [rows, ...], is not finite."""
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            row = int(np.flatnonzero(~np.isfinite(values.reshape(len(values), -1)).all(axis=1))[0])
            raise self.failure(code, f"{what} number {row} is not finite")

    def _object(self) -> dict[str, Any]:
        if not isinstance(self.value, dict):
            raise self._wrong("an object")
        return self.value

    def _wrong(self, expected: str) -> InputError:
        found = _KINDS.get(type(self.value), f"the number {shown(self.value)}")
        return self.failure(GltfCode.VALUE, f"there must be {expected} here, not {found}")


class Members:
    """The members of an object, or of none. One that is wrong is as if absent, with a warning."""

    def __init__(self, item: Item | None) -> None:
        self.item = item

    @property
    def is_given(self) -> bool:
        """Whether there is an object."""
        return self.item is not None

    def read(self, key: str, convert: Callable[[Item], T], default: T) -> T:
        """Return what a member is converted to."""
        item = self.item
        if item is None:
            return default
        found = item.get(key)
        return default if found is None else item.document.attempt(lambda: convert(found), default)

    def required(self, key: str, convert: Callable[[Item], T], default: T) -> T:
        """Return what a member is converted to, which glTF requires: absent is wrong, too."""
        item = self.item
        if item is None:
            return default
        return item.document.attempt(lambda: convert(item.required(key)), default)

    def number(self, key: str, default: float, low: float = -math.inf, high: float = math.inf) -> float:
        """Return a number from `low` to `high`."""
        return self.read(key, lambda item: item.number(low, high), default)

    def vector(self, key: str, default: Vector, low: float = -math.inf, high: float = math.inf) -> Vector:
        """Return as many numbers as the default has."""
        return self.read(key, lambda item: item.vector(len(default), low, high), default)

    def inner(self, key: str) -> Members:
        """Return the members of a member that is an object."""
        return self.read(key, lambda item: Members(item.as_object()), Members(None))

    def extension(self, name: str) -> Members:
        """Return the members of an extension."""
        return self.inner("extensions").inner(name)
