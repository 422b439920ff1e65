"""Pipelines that other threads make before a frame needs them, so that no frame waits for a compiler."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from typing import Any

from engine.render.pipelines.layouts import Layouts
from engine.render.pipelines.pipeline_cache import PipelineCache
from engine.render.pipelines.pipeline_description import PipelineDescription, create_pipeline
from engine.vk.device import Device


class PreparedPipelines:
    """Owns the VkPipelines that other threads make, one after the other; they are kept until it is closed.

    These threads have a VkPipelineCache of their own, since data may be merged into one only while nobody
    else uses it. It begins with what the frames' cache was loaded with, and goes into that one in the end.
    """

    def __init__(self, device: Device, layouts: Layouts, cache: PipelineCache) -> None:
        """`cache` is that of the frames."""
        self._device = device
        self._layouts = layouts
        self._frames = cache
        self._lock = threading.Lock()
        self._cache: PipelineCache | None = None
        self._made: dict[tuple[PipelineDescription, tuple[bytes, ...]], Any] = {}

    def make(self, described: PipelineDescription, code: Sequence[bytes], compiled: Iterable[bytes]) -> None:
        """Make a pipeline, on another thread, after what another process has compiled of it is merged.

        Raises VulkanError; the frame that needs the pipeline makes it then.
        """
        key = described, tuple(code)
        with self._lock:
            if key in self._made:
                return
            if self._cache is None:
                self._cache = PipelineCache(self._device, None, self._frames.loaded)
            for data in compiled:
                self._cache.merge(data)
            self._made[key] = create_pipeline(
                self._device, self._layouts, described, code, name="prepared", cache=self._cache.handle
            )

    def find(self, described: PipelineDescription, code: Sequence[bytes]) -> Any:
        """Return the VkPipeline, None where it was not made."""
        return self._made.get((described, tuple(code)))

    def has(self, handle: Any) -> bool:
        """Whether a VkPipeline is one of them."""
        return handle in list(self._made.values())  # another thread may add one

    def close(self) -> None:
        """Destroy all pipelines; none may be in use, and the other threads must have ended."""
        for handle in self._made.values():
            self._device.destroy("Pipeline", handle)
        self._made.clear()
        if self._cache is not None:
            if not self._device.lost:
                self._frames.merge_cache(self._cache)
            self._cache.close()
            self._cache = None
