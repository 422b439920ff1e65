"""Pipelines that other threads make before a frame needs them, so that no frame waits for a compiler."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from typing import Any

from engine.render.pipelines.layouts import Layouts
from engine.render.pipelines.pipeline_cache import PipelineCache
from engine.render.pipelines.pipeline_description import PipelineDescription, create_pipeline
from engine.vk.device import Device

Key = tuple[PipelineDescription, tuple[bytes, ...]]
"""What a pipeline is made from: its description, and the SPIR-V of its stages."""
STALE = 8
"""How many pipelines were made after one that nobody takes, until one that was taken, at least."""


class PreparedPipelines:
    """Owns the VkPipelines that other threads make, one after the other, until a frame takes them.

    Those that no frame has taken when it has taken many that are newer are destroyed: of a plan that was
    not drawn after all, or for what it draws only until all is loaded.

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
        self._made: dict[Key, Any] = {}
        self._numbers: dict[Key, int] = {}
        self._number = self._taken = 0
        """Of the pipeline that was made last, and of the newest that was taken."""

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
            self._number += 1
            self._numbers[key] = self._number
            for old in [each for each, number in self._numbers.items() if number < self._taken - STALE]:
                del self._numbers[old]
                if (handle := self._made.pop(old, None)) is not None:
                    self._device.destroy("Pipeline", handle)

    def has(self, described: PipelineDescription, code: Sequence[bytes]) -> bool:
        """Whether a VkPipeline waits to be taken."""
        return (described, tuple(code)) in self._made

    def take(self, described: PipelineDescription, code: Sequence[bytes]) -> Any:
        """Return the VkPipeline, which belongs to who takes it from now on; None where there is none."""
        key = described, tuple(code)
        found = self._made.pop(key, None)
        if found is not None:
            self._taken = max(self._taken, self._numbers.get(key, 0))
        return found

    def close(self) -> None:
        """Destroy the pipelines that nobody has taken; the other threads must have ended."""
        for handle in self._made.values():
            self._device.destroy("Pipeline", handle)
        self._made.clear()
        if self._cache is not None:
            if not self._device.lost:
                self._frames.merge_cache(self._cache)
            self._cache.close()
            self._cache = None
