"""Editors of values, by what the schema says of a field: each returns a new value when there is one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from imgui_bundle import imgui
from numpy.typing import NDArray

from engine.tableau import FieldSpec
from engine.tableau.schema import NOT_GIVEN, FieldKind, Widget
from viewer.panels import sliders
from viewer.panels.widgets import ELLIPSIS, tooltip
from viewer.ui import style

MIXED = "mixed"
AXES = ("X", "Y", "Z", "W")


@dataclass(frozen=True, slots=True)
class Change:
    """A new value in column form, of all numbers or of one `component`."""

    value: Any
    component: int | None = None


def is_mixed(values: NDArray[Any]) -> bool:
    """Whether values of several objects, [n] or [n, width], differ."""
    return len(values) > 1 and bool((values[1:] != values[0]).any())


def numbers(
    name: str,
    values: NDArray[Any],
    *,
    speed: float,
    low: float | None = None,
    high: float | None = None,
    unit: str = "",
    digits: int = 3,
) -> Change | None:
    """Draw a box for each number of [n, width] values of n objects; mixed ones say so."""
    width, change = values.shape[1], None
    gap = imgui.get_style().item_inner_spacing.x
    size = (imgui.get_content_region_avail().x - gap * (width - 1)) / width
    for at in range(width):
        if at:
            imgui.same_line(0, gap)
        imgui.set_next_item_width(size)
        mixed, label, now = is_mixed(values[:, at]), f"##{name}{at}", float(values[0, at])
        text = MIXED if mixed else _legible(label, now, digits, unit, size, _exact(values))
        bounds = (-3.4e38 if low is None else low, 3.4e38 if high is None else high)
        moved, value = sliders.drag_float(label, now, speed, *bounds, text)
        if not mixed:
            _whole_tip(now, digits, unit, size)
        if moved:
            change = Change(value, at)
    return change


def _exact(values: NDArray[Any]) -> int:
    """Return how many digits numbers of this type need to be written without loss."""
    return 12 if values.dtype == np.float64 else 7


def _legible(label: str, value: float, digits: int, unit: str, width: float, exact: int) -> str:
    """Return the format with as many digits as fit into a box of a width.

    A box below the mouse, or with the keyboard, has `exact` digits, as typing begins with what it has; what
    is dragged is rounded to `digits`.
    """
    context, identity = imgui.get_current_context(), imgui.get_id(label)
    if context is None or identity == context.active_id != context.temp_input_id:
        return f"%.{digits}g{_suffix(unit)}"
    if identity in (context.active_id, context.hovered_id_previous_frame, context.nav_id):
        return f"%.{exact}g{_suffix(unit)}"
    for fewer in range(digits, 0, -1):
        text = f"%.{fewer}g{_suffix(unit)}"
        if _fits(text % value, width):
            return text
    return ELLIPSIS


def _whole_tip(value: float, digits: int, unit: str, width: float) -> None:
    """Show a number of which not all digits fit as a tool tip of its box."""
    text = f"%.{digits}g{_suffix(unit)}" % value
    if not _fits(text, width):
        tooltip((text,))


def _fits(text: str, width: float) -> bool:
    return bool(imgui.calc_text_size(text).x <= width - 2 * imgui.get_style().frame_padding.x)


def _suffix(unit: str) -> str:
    return {"degrees": "°", "degrees/s": "°/s"}.get(unit, f" {unit}" if unit else "").replace("%", "%%")


def field(spec: FieldSpec, values: NDArray[Any]) -> Change | None:
    """Draw the editor of a field for the values of several objects, in column form; not of assets."""
    widget, kind, mixed = spec.widget, spec.kind, is_mixed(values)
    imgui.set_next_item_width(-1)
    if widget is Widget.SWITCH:
        imgui.push_item_flag(imgui.ItemFlags_.mixed_value.value, mixed)
        changed, on = imgui.checkbox("##on", bool(values[0]))
        imgui.pop_item_flag()
        return Change(on) if changed else None
    if widget is Widget.MENU:
        return _menu(spec, values, mixed)
    if widget is Widget.COLOR:
        return _colour(spec, values, mixed)
    if widget is Widget.TEXT:
        changed, text = imgui.input_text_with_hint(
            "##text", MIXED if mixed else "", "" if mixed else str(values[0])
        )
        if not changed:
            return None
        made = np.empty((), object)
        made[()] = text
        return Change(made)
    if kind is FieldKind.INT:
        low = -(2**31) if spec.minimum is None else int(spec.minimum)
        high = 2**31 - 1 if spec.maximum is None else int(spec.maximum)
        text = MIXED if mixed else "%d" + _suffix(spec.unit)
        if widget is Widget.SLIDER:
            changed, whole = sliders.slide_int("##int", int(values[0]), low, high, text)
        else:
            changed, whole = sliders.drag_int("##int", int(values[0]), 0.2, low, high, text)
        return Change(whole) if changed else None
    if kind is FieldKind.NUMBERS:
        return _list(values, mixed)
    return _floats(spec, values, mixed)


def _floats(spec: FieldSpec, values: NDArray[Any], mixed: bool) -> Change | None:
    is_angle = spec.kind is FieldKind.ANGLE
    shown = np.degrees(values.astype(np.float64)).astype(np.float32) if is_angle else values
    if spec.kind.width > 1:
        return numbers(
            spec.name, shown, speed=0.01, low=spec.minimum, high=spec.maximum, unit=spec.unit, digits=4
        )
    text = MIXED
    low = -3.4e38 if spec.minimum is None else spec.minimum
    high = 3.4e38 if spec.maximum is None else spec.maximum
    now, room = float(shown[0]), imgui.get_content_region_avail().x
    label = "##float"
    if not mixed:
        text = _legible(label, now, 4, spec.unit, room, 7)
    if spec.widget is Widget.SLIDER:
        changed, value = sliders.slide_float(label, now, low, high, text)
    else:
        changed, value = sliders.drag_float(label, now, max(abs(now), 0.1) * 0.01, low, high, text)
    if not mixed:
        _whole_tip(now, 4, spec.unit, room)
    if not changed:
        return None
    return Change(np.radians(value) if is_angle else value)


def _menu(spec: FieldSpec, values: NDArray[Any], mixed: bool) -> Change | None:
    chosen = None
    if imgui.begin_combo("##menu", MIXED if mixed else spec.choices[int(values[0])]):
        for index, word in enumerate(spec.choices):
            if imgui.selectable(word, not mixed and index == int(values[0]))[0]:
                chosen = Change(index)
        imgui.end_combo()
    return chosen


def _colour(spec: FieldSpec, values: NDArray[Any], mixed: bool) -> Change | None:
    """Colours are linear in scenes; the picker shows them as the display does."""
    flags = (
        imgui.ColorEditFlags_.float.value
        | imgui.ColorEditFlags_.hdr.value
        | imgui.ColorEditFlags_.display_rgb.value
    )
    now = [float(each) for each in values[0]]
    if mixed:
        imgui.text_colored(style.QUIET, MIXED)
        imgui.same_line()
    changed, made = imgui.color_edit3("##colour", now, flags)
    if not changed:
        return None
    high = spec.maximum if spec.maximum is not None else np.inf
    colour = np.clip(np.asarray(made, np.float32), 0.0, high)
    other = np.flatnonzero(colour != values[0].astype(np.float32))
    if len(other) == 1:  # one channel was edited: each of several objects keeps its others
        return Change(colour[other[0]], int(other[0]))
    return Change(colour)


def _list(values: NDArray[Any], mixed: bool) -> Change | None:
    """Numbers of any count, as text between spaces; taken over with Enter."""
    now = "" if mixed else " ".join(f"{each:g}" for each in values[0] if each != NOT_GIVEN)
    done, text = imgui.input_text_with_hint(
        "##numbers", MIXED if mixed else "numbers", now, imgui.InputTextFlags_.enter_returns_true.value
    )
    if not done:
        return None
    try:
        given = [float(word) for word in text.replace(",", " ").split()][: values.shape[1]]
    except ValueError:
        return None
    made = np.full(values.shape[1], NOT_GIVEN, np.float32)
    made[: len(given)] = given
    return Change(made)
