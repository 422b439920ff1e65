"""Pipelines of a scene's first plan, made on a thread while its memory is planned, not within frames."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress

from engine.render.pipelines.pipeline_description import PipelineDescription
from engine.render.pipelines.prepared_pipelines import PreparedPipelines
from engine.vk.errors import VulkanError

PATIENCE_S = 0.5
"""How long the first frame waits; a pipeline that is not made by then is made by the frame that needs it."""
NAP_S = 0.01
"""How long a frame takes at most that waits for pipelines."""


class EarlyPipelines:
    """Owns the thread, which starts with the first pipeline. Close it before `prepared`."""

    def __init__(self, prepared: PreparedPipelines) -> None:
        self._prepared = prepared
        self._pool: ThreadPoolExecutor | None = None
        self._making: list[Future[None]] = []
        self._until = 0.0

    def wait(self) -> bool:
        """Wait up to NAP_S for the pipelines, and return whether one is still being made, for PATIENCE_S.

        Whoever calls it in a loop leaves the processor to the thread. Raises what was raised there.
        """
        if wait(self._making, NAP_S).not_done:
            return time.monotonic() < self._until
        for future in self._making:
            future.result()
        self._making = []
        return False

    def begin(self, pipelines: Iterable[tuple[PipelineDescription, Sequence[bytes]]]) -> None:
        """Make these pipelines, each with the SPIR-V of its shaders."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, "pipelines")
        self._until = time.monotonic() + PATIENCE_S
        self._making += [self._pool.submit(self._make, *one) for one in pipelines]

    def close(self) -> None:
        """End the thread, after the pipeline that it makes."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def _make(self, described: PipelineDescription, code: Sequence[bytes]) -> None:
        with suppress(VulkanError):  # the frame makes it again, and has the error
            self._prepared.make(described, code, ())
