"""What features declare for their rows, checked: passes, samples, buffers, faults, views and values."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from reprlib import repr as shortened
from typing import Any

import numpy as np

from engine.feature import Fault, Feature, Registry, View
from engine.feature.frame import Lens
from engine.graph import DeclarationError, DrawPass, Pass, check, mapping, yielded
from engine.humon import suggestion
from engine.planning.draw.blocks import Block, Field
from engine.tableau import FeatureTable

MAX_BUFFER_ROWS = 1 << 24
NUMBERS = "fiub"
"""The kinds of numpy's types that values of shaders may have."""


class NoRoomError(DeclarationError):
    """A feature gives more rows or parts than the frame was planned for."""


def checked_passes(passes: Any, known: Collection[Pass], feature: Feature, registry: Registry) -> list[Pass]:
    """Return the passes that `Feature.passes` has returned. Raises DeclarationError for what are none.

    Those of `known` were right before. One of a package draws a feature that is there.
    """
    found = yielded(passes, "passes")
    for p in found:
        if p not in known:
            name = f"the pass {p.name}" if isinstance(p, Pass) else "what `passes` returns"
            check(p, Pass, name, "return passes of engine.graph")
            if isinstance(p, DrawPass) and not registry.is_built_in(feature.type_name):
                _check_drawn(p, registry)
    return found


def _check_drawn(p: DrawPass, registry: Registry) -> None:
    """Raise DeclarationError where a pass draws the rows of what is no feature, or draws nothing."""
    fault = f"draws of the pass {p.name} is '{p.draws}'"
    if p.draws not in registry:
        raise DeclarationError(f"{fault}, and no feature is called so", suggestion(p.draws, registry))
    if registry[p.draws].schema.drawn_field is None:
        advice = "name a feature with a field for an asset, or use a PrimitivePass"
        raise DeclarationError(f"{fault}, a feature that names no asset to draw", advice)


def checked_samples(samples: Any) -> int | None:
    """Return what `Feature.samples` has returned. Raises DeclarationError for what is no such number."""
    check(samples, int | None, "what `samples` returns", "return 1, 2, 4 or None")
    if samples is not None and samples < 1:
        raise DeclarationError(f"it wants {samples} samples", "return 1, 2, 4 or None from `samples`")
    return samples if samples is None else int(samples)


def checked_rows(rows: Any, buffers: Collection[str]) -> dict[str, int]:
    """Return what `Feature.buffer_rows` has returned. Raises DeclarationError for what is no number.

    `buffers` are those of the feature.
    """
    found = by_names(rows, "buffer_rows")
    check_buffers(found, buffers, "buffer_rows")
    for name, count in found.items():
        if not isinstance(count, int | np.integer) or not 0 <= count <= MAX_BUFFER_ROWS:
            raise DeclarationError(
                f"the buffer {name} has {count!r} rows: from 0 to {MAX_BUFFER_ROWS} are possible",
                "return how many rows each buffer has from `buffer_rows`",
            )
    return {name: int(count) for name, count in found.items()}


def checked_fault(fault: Any, table: FeatureTable) -> Fault:
    """Return a fault that `Feature.faults` has found. Raises DeclarationError for what is none of a table."""
    check(fault, Fault, "what `faults` returns", "return faults: Fault(row, code, message, help)")
    assert isinstance(fault, Fault)
    if not (0 <= fault.row < len(table.object) and table.object[fault.row] >= 0):
        raise DeclarationError(
            f"row of what `faults` returns is {fault.row}, which is no row of {table.type_name}",
            "give one of frame.enabled(type_name).indices",
        )
    return fault


def by_names(values: Any, method: str) -> Mapping[str, Any]:
    """Return what a method returns. Raises DeclarationError where that is no mapping by names."""
    found = mapping(values, method)
    for name in found:
        if not isinstance(name, str):
            raise DeclarationError(
                f"what `{method}` returns has the key {shortened(name)}, not text",
                "return a dict by the names that shaders declare",
            )
    return found


def check_buffers(names: Iterable[str], buffers: Collection[str], method: str) -> None:
    """Raise DeclarationError where a method returns something for what is no buffer of its feature."""
    for name in names:
        if name not in buffers:
            raise DeclarationError(
                f"what `{method}` returns has the buffer '{name}', which is none of its own",
                suggestion(name, buffers) or "name it in `buffers`",
            )


def wrong_number(value: Any, name: str, members: Iterable[Field]) -> DeclarationError | None:
    """Return why the members of blocks, called `name`, cannot have a value; None where they can."""
    member = next(iter(members))
    room = f"{member.count} x {member.width}" if member.count > 1 else f"{member.width}"
    advice = f"the shader has room for {room} numbers ({member.dtype.name})"
    try:
        numbers = np.asarray(value)
        if numbers.dtype.kind not in NUMBERS:
            raise ValueError
    except ValueError:
        return DeclarationError(f"{name} is {shortened(value)}, not numbers", advice)
    try:
        for each in members:
            each.words(name, numbers.shape)
    except ValueError:
        shape = " x ".join(map(str, numbers.shape)) or "1"
        return DeclarationError(f"{name} has {shape} numbers", advice)
    try:
        for each in members:
            each.numbers(value)
    except (ValueError, OverflowError, TypeError) as error:
        return DeclarationError(f"{name} is {shortened(value)}: {error}", advice)
    return None


def check_columns(columns: Any, buffer: str, block: Block, count: int) -> None:
    """Raise DeclarationError for the rows of a buffer by member that `Feature.buffer_values` has returned.

    That is where there are more than `count` (NoRoomError), or members have different numbers of rows, or
    do not fit.
    It is for what could not be packed, as checking takes longer than packing.
    """
    lengths = {}
    for member, values in by_names(columns, f"buffer_values(...)['{buffer}']").items():
        name = f"'{member}' of the buffer '{buffer}', which `buffer_values` returns,"
        try:
            array = np.asarray(values)
        except ValueError:
            array = np.zeros((), np.object_)
        advice = "give one value for each row, numbers of one shape"
        if array.dtype.kind not in NUMBERS:
            raise DeclarationError(f"{name} is {shortened(values)}, not numbers", advice)
        if not array.ndim:
            raise DeclarationError(f"{name} is {shortened(values)}, not one value for each row", advice)
        if len(array) > count:
            raise NoRoomError(
                f"{name} has {len(array)} rows; there is room for {count}",
                "say how many there are at most in `buffer_rows`",
            )
        try:
            block.pack_rows(np.zeros((min(len(array), 1), block.size), np.uint8), member, array[:1])
        except (ValueError, OverflowError) as error:
            raise DeclarationError(f"{name} does not fit the shader: {error}", advice) from None
        lengths[member] = len(array)
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{member}: {length}" for member, length in lengths.items())
        raise DeclarationError(
            f"the buffer '{buffer}' has members with different numbers of rows in `buffer_values`: {listed}",
            "give each member one value for each row",
        )


def checked_places(places: Any, most: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return what `Feature.places` has returned, float64[n, 3], of at most so many parts.

    Raises DeclarationError for what are no such places, NoRoomError for more.
    """
    try:
        found = np.asarray(places)
        if found.dtype.kind not in NUMBERS or found.ndim != 2 or found.shape[1] != 3:
            raise ValueError
    except ValueError:
        raise DeclarationError(
            f"what `places` returns is {shortened(places)}, not points", "return numbers [n, 3]"
        ) from None
    if len(found) > most:
        raise NoRoomError(
            f"`places` returns {len(found)} places, and a pass has {most} parts",
            "give the pass a part for each place: PrimitivePass(..., parts=len(rows))",
        )
    return np.nan_to_num(found.astype(np.float64))


_SHAPES = {
    "origin": (3,),
    "view_projection": (4, 4),
    "eye": (3,),
    "forward": (3,),
    "view_from_frame": (4, 4),
}
"""The arrays of a view, with their shapes."""


def check_view(view: Any) -> None:
    """Raise DeclarationError where what `Feature.view` has returned is no view."""
    if not isinstance(view, View):
        check(view, View, "what `view` returns", "return a View or None")
    for name, shape in _SHAPES.items():
        array = getattr(view, name)
        is_right = isinstance(array, np.ndarray) and array.shape == shape and array.dtype.kind == "f"
        if not is_right:
            raise DeclarationError(
                f"{name} of its view is {shortened(array)}, not an array of numbers",
                f"{name} of a View is float{list(shape)}",
            )
    check(view.lens, Lens, "lens of its view", "help(engine.feature.Lens) says more")
    check(view.half_size, tuple[float, float, float], "half_size of its view", "give three numbers")
