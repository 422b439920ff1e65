"""Run one compute shader over buffers and textures, and wait for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray
from support.shaders import compiled, facts

from engine.memory.commands.recorder import Recorder
from engine.render.compute import TO_HOST, BoundView, ComputePipeline, StorageRange
from engine.vk.device import Device


def run_compute(
    device: Device,
    text: str,
    resources: Mapping[str, StorageRange | BoundView],
    groups: tuple[int, int, int],
    *,
    push: NDArray[Any] | None = None,
) -> None:
    """Dispatch GLSL `text`, its bindings by name; what it writes is visible to the host after it."""
    code, reflection = compiled(text, "comp"), facts(text, "comp").reflection
    with (
        ComputePipeline(device, code, reflection, name="test") as pipeline,
        pipeline.bind(resources) as bound,
    ):
        recorder = Recorder(device, device.graphics, "test")
        try:
            pipeline.dispatch(recorder.commands(), bound, groups, push=push, after=TO_HOST)
            assert recorder.timeline.wait(recorder.submit())
        finally:
            recorder.close()
