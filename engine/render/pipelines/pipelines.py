"""Graphics pipelines from plan rows: one per shaders, vertex format, topology, pass and state."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any

from engine.plan.terms.drawing_rows import PipelineRow
from engine.planning.draw.shading import ShaderSet
from engine.render.pipelines.layouts import Layouts
from engine.render.pipelines.pipeline_cache import PipelineCache
from engine.render.pipelines.pipeline_description import (
    PipelineDescription,
    create_pipeline,
    describe_pipeline,
    push_range,
    set_layouts,
)
from engine.render.pipelines.prepared_pipelines import PreparedPipelines
from engine.vk.device import Device
from engine.vk.errors import DeviceLost, VulkanError

KEPT = 64
"""Pipelines that no plan has any more and that stay, as what is switched is often switched back."""


class Pipelines:
    """Owns the VkPipelines of the current plan, and the last KEPT of earlier ones.

    Those that were prepared are taken as they are. `code` returns the SPIR-V of a shader by its key, and
    `is_there` whether the shader can be drawn with again. A pipeline that the driver refuses is in
    `refused`, by its shaders, with what the driver returned; it is tried again once no plan has had it.
    """

    def __init__(
        self,
        device: Device,
        layouts: Layouts,
        cache: PipelineCache,
        prepared: PreparedPipelines,
        code: Callable[[int], bytes],
        is_there: Callable[[int], bool] = lambda shader: True,
    ) -> None:
        self._device = device
        self._layouts = layouts
        self._cache = cache
        self._prepared = prepared
        self._code = code
        self._is_there = is_there
        self.refused: dict[tuple[int, ...], str] = {}
        self._live: dict[tuple[Any, ...], Any] = {}
        self._kept: dict[tuple[Any, ...], Any] = {}  # of earlier plans, the last one behind
        self._retired: list[tuple[int, Any]] = []

    def get(
        self,
        row: PipelineRow,
        offsets: Sequence[int],
        shading: ShaderSet,
    ) -> Any:
        """Return the VkPipeline of a plan row, None where the driver refuses it.

        `offsets` are those of the vertex attributes, in bytes.
        Raises VulkanError where that is no fault of its shaders: without memory, or a device.
        """
        identity = _identity(row)
        if identity not in self._live:
            try:
                known = self._kept.pop(identity, None)
                self._live[identity] = known if known is not None else self._create(row, offsets, shading)
            except VulkanError as error:
                if isinstance(error, MemoryError | DeviceLost):
                    raise
                self._live[identity] = None
                self.refused[row.shaders] = str(error)
        return self._live[identity]

    def unmade(
        self, row: PipelineRow, offsets: Sequence[int], shading: ShaderSet
    ) -> tuple[PipelineDescription, list[bytes]] | None:
        """Return what a pipeline is made from, and the SPIR-V of its shaders; None where it is there."""
        identity = _identity(row)
        if identity in self._live or identity in self._kept:
            return None
        return describe_pipeline(row, offsets, shading), [self._code(shader) for shader in row.shaders]

    def layout(self, shading: ShaderSet) -> Any:
        """Return the VkPipelineLayout of a shader set."""
        return self._layouts.pipeline_layout(set_layouts(shading), push_range(shading))

    def keep_only(self, rows: Iterable[PipelineRow], ticket: int) -> None:
        """Have only the pipelines of `rows`; of others with shaders that are there the last KEPT stay.

        They are for plans to come. The rest is destroyed once the timeline reaches `ticket`.
        """
        wanted = {_identity(row) for row in rows}
        for identity in [identity for identity in self._live if identity not in wanted]:
            handle = self._live.pop(identity)
            if handle is not None:
                self._kept[identity] = handle
        gone = [identity for identity in self._kept if not all(map(self._is_there, identity[0]))]
        rest = (identity for identity in list(self._kept) if identity not in gone)
        gone += islice(rest, max(len(self._kept) - len(gone) - KEPT, 0))
        self._retired += ((ticket, self._kept.pop(identity)) for identity in gone)

    def collect(self, completed: int) -> None:
        """Destroy retired pipelines whose ticket is at most `completed`."""
        for _, handle in [entry for entry in self._retired if entry[0] <= completed]:
            self._device.destroy("Pipeline", handle)
        self._retired = [entry for entry in self._retired if entry[0] > completed]

    def close(self) -> None:
        """Destroy all pipelines; none may be in use."""
        retired = (handle for _, handle in self._retired)
        for handle in [*self._live.values(), *self._kept.values(), *retired]:
            if handle is not None:
                self._device.destroy("Pipeline", handle)
        self._live.clear()
        self._kept.clear()
        self._retired.clear()

    def _create(self, row: PipelineRow, offsets: Sequence[int], shading: ShaderSet) -> Any:
        described = describe_pipeline(row, offsets, shading)
        code = [self._code(shader) for shader in row.shaders]
        prepared = self._prepared.take(described, code)
        if prepared is not None:
            return prepared
        return create_pipeline(
            self._device, self._layouts, described, code, name=row.name, cache=self._cache.handle
        )


def _identity(row: PipelineRow) -> tuple[Any, ...]:
    """Return the key of a plan row's pipeline: everything but its name and its requesters."""
    return (
        row.shaders,
        row.vertex_format,
        row.vertex_stride,
        row.topology,
        row.pass_name,
        row.state,
        row.constants,
    )
