"""What features declare for their rows, checked: passes, samples, rows of buffers, faults and views."""

from __future__ import annotations

from collections.abc import Collection
from reprlib import repr as shortened
from typing import Any

import numpy as np

from engine.feature import Fault, View
from engine.feature.frame import Lens
from engine.graph import DeclarationError, Pass, check, mapping, yielded

MAX_BUFFER_ROWS = 1 << 24


def checked_passes(passes: Any, known: Collection[Pass]) -> list[Pass]:
    """Return the passes that `Feature.passes` has returned. Raises DeclarationError for what are none.

    Those of `known` were right before.
    """
    found = yielded(passes, "passes")
    for p in found:
        if p not in known:
            name = f"the pass {p.name}" if isinstance(p, Pass) else "what `passes` returns"
            check(p, Pass, name, "return passes of engine.graph")
    return found


def checked_samples(samples: Any) -> int | None:
    """Return what `Feature.samples` has returned. Raises DeclarationError for what is no such number."""
    check(samples, int | None, "what `samples` returns", "return 1, 2, 4 or None")
    if samples is not None and samples < 1:
        raise DeclarationError(f"it wants {samples} samples", "return 1, 2, 4 or None from `samples`")
    return samples if samples is None else int(samples)


def checked_rows(rows: Any) -> dict[str, int]:
    """Return what `Feature.buffer_rows` has returned. Raises DeclarationError for what is no number."""
    found = mapping(rows, "buffer_rows")
    for name, count in found.items():
        if not isinstance(count, int | np.integer) or not 0 <= count <= MAX_BUFFER_ROWS:
            raise DeclarationError(
                f"the buffer {name} has {count!r} rows: from 0 to {MAX_BUFFER_ROWS} are possible",
                "return how many rows each buffer has from `buffer_rows`",
            )
    return {name: int(count) for name, count in found.items()}


def checked_fault(fault: Any) -> Fault:
    """Return a fault that `Feature.faults` has found. Raises DeclarationError for what is none."""
    check(fault, Fault, "what `faults` returns", "return faults: Fault(row, code, message, help)")
    assert isinstance(fault, Fault)
    return fault


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
