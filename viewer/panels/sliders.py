"""Sliders, and boxes of numbers that are dragged: whatever is typed into one ends within its range."""

from __future__ import annotations

import math

from imgui_bundle import imgui

_CLAMPED = imgui.SliderFlags_.always_clamp.value
_LOGARITHMIC = imgui.SliderFlags_.logarithmic.value


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
    """Draw a box whose number changes by `speed` a point; returns whether it was changed, and its value."""
    changed, new = imgui.drag_float(label, value, speed, low, high, text, _CLAMPED)
    return _finite(changed, value, new)


def drag_int(label: str, value: int, speed: float, low: int, high: int, text: str) -> tuple[bool, int]:
    """Draw a box whose number changes by `speed` a point; returns whether it was changed, and its value."""
    changed, new = imgui.drag_int(label, value, speed, low, high, text, _CLAMPED)
    return changed, new


def _finite(changed: bool, value: float, new: float) -> tuple[bool, float]:
    """Leave the value where "nan" was typed, which lies in no range."""
    return (changed, new) if math.isfinite(new) else (False, value)
