"""What the last frame has left in one of its images, to numpy.

Of an image with several samples a compute shader fetches them, as copies cannot.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engine.assets import ShaderFacts
from engine.graph import Samples
from engine.memory.readback import read_back, read_image
from engine.memory.texels import as_copied
from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.requirements.requirements import ImageShape
from engine.plan.terms.formats import Format
from engine.plan.terms.vocabulary import BufferUsage
from engine.plan.terms.vulkan_enums import Aspect
from engine.render.compute import TO_HOST, BoundView, ComputePipeline, StorageRange
from engine.render.frame_recorder import NotDrawn
from engine.vk.commands import Commands
from engine.vk.device import Device

if TYPE_CHECKING:
    from engine.assets import AssetLibrary
    from engine.runtime.runtime import Runtime

_TEXEL_BYTES = 16
_MOST_BYTES = 32 << 20
"""Bytes of the buffer that the shader writes at once: rows of large images are read in several steps."""
_GROUP = 8
_SHADERS = {
    "": ("readSamples", np.float32),
    "UINT": ("readUintSamples", np.uint32),
    "SINT": ("readIntSamples", np.int32),
}


class Combined(IntEnum):
    """What is made of all samples of a texel, by its number in readSamples.glsl."""

    AVERAGE = -1
    LEAST = -2
    GREATEST = -3


def can_fetch(limits: Mapping[str, Any], format: Format, samples: int) -> bool:
    """Whether shaders can read images with so many samples; `limits` as in `engine.vk.facts`."""
    info = format.info
    kind = "Depth" if info.aspect & Aspect.DEPTH else "Integer" if is_integer(format) else "Color"
    kind = "Stencil" if info.aspect == Aspect.STENCIL else kind
    return bool(limits[f"sampledImage{kind}SampleCounts"] & samples)


def is_integer(format: Format) -> bool:
    """Whether its texels are integers for shaders, of which there is no average."""
    return format.name.endswith("INT") and not format.info.aspect & Aspect.DEPTH


def read_frame_image(runtime: Runtime, name: str, layer: int, level: int, sample: int) -> NDArray[Any]:
    """Return a layer and mip level of an image of the last frame, for which the caller has waited.

    Of several samples, `sample` says which one, or what of all (`Combined`). Raises NotDrawn if the frame has
    no such image, or keeps it for nobody to read.
    """
    device, profile, graph = runtime.device, runtime.profile, runtime.renderer.drawn_graph
    found, layout = runtime.renderer.drawn_image(name), graph.readable(name) if graph is not None else None
    if graph is None or found is None or layout is None:
        raise NotDrawn(name)
    image = graph.image(name).image
    if image.samples is Samples.FRAME:  # as it is drawn: what several samples become has one
        samples = max(p.samples for p in graph.passes)
        shape = ImageShape(image.format, *found.extent, samples=samples)
        return _read_samples(device, profile, runtime.library, found.views[0, 0], shape, sample)
    shape = ImageShape(image.format, *found.extent, image.mip_levels)
    return read_image(device, profile, found.image, shape, int(layout), layer=layer, mip=level)


def _read_samples(
    device: Device,
    profile: DeviceProfile,
    library: AssetLibrary,
    view: Any,
    shape: ImageShape,
    chosen: int,
) -> NDArray[Any]:
    """Return one sample of each texel, or what is made of all (Combined), as a copy of an image returns it.

    The image of the view is in the layout SHADER_READ, and compute shaders may read it. What this needs
    on the device is made and released here. Raises ValueError for a sample that is not there, and for the
    average of integers.
    """
    if not -len(Combined) <= chosen < shape.samples or (
        chosen == Combined.AVERAGE and is_integer(shape.format)
    ):
        raise ValueError(f"sample {chosen} of {shape.samples} of {shape.format.name}")
    name, dtype = _SHADERS[shape.format.name[-4:] if is_integer(shape.format) else ""]
    shader = library.find("builtin", name, ("shader",))
    facts = library.facts(shader)
    assert isinstance(facts, ShaderFacts)
    step = max(1, _MOST_BYTES // (shape.width * _TEXEL_BYTES))
    bands = []
    with ExitStack() as stack:
        pipeline = stack.enter_context(
            ComputePipeline(device, library.read(shader), facts.reflection, name=name, why="readback")
        )

        def record(_vk: Commands, commands: Any, buffer: Any) -> None:
            image, found = BoundView(view), StorageRange(buffer)
            bound = stack.enter_context(pipeline.bind({"image": image, "found": found}))
            push = np.array([chosen, shape.samples, top, rows], np.int32)
            groups = -(-shape.width // _GROUP), -(-rows // _GROUP), 1
            pipeline.dispatch(commands, bound, groups, push=push, after=TO_HOST)

        for top in range(0, shape.height, step):
            rows = min(step, shape.height - top)
            size = rows * shape.width * _TEXEL_BYTES
            data = read_back(device, profile, size, record, BufferUsage.STORAGE_BUFFER)
            bands.append(data.view(dtype).reshape(rows, shape.width, 4))
    return as_copied(np.concatenate(bands), shape.format)
