"""A scene's first plan, made a step in each frame; and a thread that makes pipelines of plans meanwhile."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from typing import TYPE_CHECKING

from engine.render.pipelines.pipeline_description import PipelineDescription
from engine.render.pipelines.prepared_pipelines import PreparedPipelines
from engine.vk.errors import VulkanError

if TYPE_CHECKING:
    from engine.runtime.runtime import Runtime

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

    def wait(self, seconds: float = NAP_S) -> bool:
        """Wait so long for the pipelines, and return whether one is still being made, for PATIENCE_S.

        Whoever calls it in a loop leaves the processor to the thread. Raises what was raised there.
        """
        if wait(self._making, seconds).not_done:
            return time.monotonic() < self._until
        for future in self._making:
            future.result()
        self._making = []
        return False

    def begin(self, pipelines: Iterable[tuple[PipelineDescription, Sequence[bytes]]]) -> None:
        """Make those of these pipelines that are not made, each with the SPIR-V of its shaders."""
        self._until = time.monotonic() + PATIENCE_S
        for described, code in pipelines:
            if not self._prepared.has(described, code):
                if self._pool is None:
                    self._pool = ThreadPoolExecutor(1, "pipelines")
                self._making.append(self._pool.submit(self._make, described, code))

    def close(self) -> None:
        """End the thread, after the pipeline that it makes."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def _make(self, described: PipelineDescription, code: Sequence[bytes]) -> None:
        with suppress(VulkanError):  # the frame makes it again, and has the error
            self._prepared.make(described, code, ())


def first_plan(runtime: Runtime, plan: Iterator[None]) -> Iterator[None]:
    """Take the steps of a runtime's `plan`, and do before and after it what else its frames would do at once.

    The first step of `plan` sets `runtime.requested`.
    """
    planner, renderer = runtime.planner, runtime.renderer
    yield from planner.prepare_needs()
    yield next(plan)
    needs = runtime.requested
    assert needs is not None
    runtime.pipelines.begin(renderer.unmade(needs))
    yield
    yield from plan
    runtime.frame_block(needs)
    yield
    renderer.prepare_reuse(needs)
    yield
    while runtime.pipelines.wait():
        yield
