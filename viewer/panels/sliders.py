"""Sliders, and boxes of numbers that are dragged: whatever is typed into one ends within its range."""

from __future__ import annotations

import ctypes
import math
from typing import Any

from imgui_bundle import imgui

_CLAMPED = imgui.SliderFlags_.always_clamp.value
_LOGARITHMIC = imgui.SliderFlags_.logarithmic.value
_DOUBLE = imgui.DataType_.double.value


_POINTER = b"nb_handle"
"""What the library that binds ImGui to Python, nanobind, calls a bare pointer."""


def _capsules(numbers: ctypes.Array[ctypes.c_double]) -> tuple[Any, ...]:
    """Return pointers to numbers, as ImGui's functions for any type of number take them."""
    make = ctypes.pythonapi.PyCapsule_New
    make.restype, make.argtypes = ctypes.py_object, (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
    return tuple(
        make(ctypes.addressof(numbers) + at * ctypes.sizeof(ctypes.c_double), _POINTER, None)
        for at in range(len(numbers))
    )


_NUMBERS = (ctypes.c_double * 3)()
"""The number that is edited, and its range."""
_PLACES = _capsules(_NUMBERS)


def slide_float(
    label: str, value: float, low: float, high: float, text: str, *, is_logarithmic: bool = False
) -> tuple[bool, float]:
    """Draw a slider; returns whether it was changed, and its value."""
    flags = _CLAMPED | (_LOGARITHMIC if is_logarithmic else 0)
    changed, new = imgui.slider_float(label, value, low, high, text, flags)
    return _finite(changed, value, new)


def slide_int(label: str, value: int, low: int, high: int, text: str = "%d") -> tuple[bool, int]:
    """Draw a slider; returns whether it was changed, and its value."""
    changed, new = imgui.slider_int(label, value, low, high, text, _CLAMPED)
    return changed, new


def drag_float(
    label: str, value: float, speed: float, low: float, high: float, text: str
) -> tuple[bool, float]:
    """Draw a box whose number changes by `speed` a point; returns whether it was changed, and its value.

    It is a double: a typed number keeps all its digits.
    """
    _NUMBERS[0], _NUMBERS[1], _NUMBERS[2] = value, low, high
    changed = imgui.drag_scalar(label, _DOUBLE, _PLACES[0], speed, _PLACES[1], _PLACES[2], text, _CLAMPED)
    return _finite(changed, value, float(_NUMBERS[0]))


def drag_int(label: str, value: int, speed: float, low: int, high: int, text: str) -> tuple[bool, int]:
    """Draw a box whose number changes by `speed` a point; returns whether it was changed, and its value."""
    changed, new = imgui.drag_int(label, value, speed, low, high, text, _CLAMPED)
    return changed, new


def _finite(changed: bool, value: float, new: float) -> tuple[bool, float]:
    """Leave the value where "nan" was typed, which lies in no range."""
    return (changed, new) if math.isfinite(new) else (False, value)
