"""shaderPlan, pipelinePlan and descriptorSetPlan of a plan, made when they are first read.

A scene of ten thousand materials has as many descriptor sets. Frames do not read their rows, so a plan keeps
what they follow from, which never changes, and makes the rows for whoever prints or compares it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

from engine.plan.terms.drawing_rows import DescriptorSetRow, PipelineRow, ShaderRow

Row = TypeVar("Row", ShaderRow, PipelineRow, DescriptorSetRow)


@dataclass(frozen=True)
class DrawingRows:
    """The rows of the three plans. Equal rows of several requesters may stand more than once."""

    shaders: Iterable[ShaderRow] = ()
    pipelines: Iterable[PipelineRow] = ()
    descriptor_sets: Iterable[DescriptorSetRow] = ()


@dataclass(frozen=True, eq=False)
class DrawingPlan:
    """The rows that `make` returns, merged and sorted, each kind once it is read.

    `make` must return the same rows whenever it is called.
    """

    make: Callable[[], DrawingRows] = DrawingRows

    @cached_property
    def shaders(self) -> tuple[ShaderRow, ...]:
        """The shader modules."""
        return _merged(self._rows.shaders)

    @cached_property
    def pipelines(self) -> tuple[PipelineRow, ...]:
        """The pipelines."""
        return _merged(self._rows.pipelines)

    @cached_property
    def descriptor_sets(self) -> tuple[DescriptorSetRow, ...]:
        """The descriptor sets."""
        return _merged(self._rows.descriptor_sets)

    @cached_property
    def _rows(self) -> DrawingRows:
        return self.make()


NO_DRAWING = DrawingPlan()
"""The drawing of a plan of memory alone."""


def _merged(rows: Iterable[Row]) -> tuple[Row, ...]:
    """Merge rows that differ only in their requesters into one row with all requesters; sorted."""
    requesters: dict[Row, set[int]] = {}
    for row in rows:
        requesters.setdefault(replace(row, requesters=()), set()).update(row.requesters)
    merged = [replace(row, requesters=tuple(sorted(ids))) for row, ids in requesters.items()]
    return tuple(sorted(merged, key=repr))
