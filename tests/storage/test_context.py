"""Context: what is there and why not, and the seed's example from a compute shader to an HDR file."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import OpenEXR
import pytest
from PIL import Image as Pillow
from support.compute import run_compute

from engine.memory.device.problems import WrongArray
from engine.plan.requirements.requirements import ImageShape
from engine.plan.terms.formats import Format
from engine.plan.terms.vocabulary import BufferUsage, ImageUsage
from engine.render.compute import StorageRange
from engine.storage.allocators.interface import MemoryMapping
from engine.storage.capture import CaptureError, write_exr, write_hdr, write_png
from engine.storage.context import Context
from engine.storage.extensions import (
    DebugUtils,
    Extension,
    MemoryBudget,
    RayTracing,
    Resources,
)
from engine.vk.errors import Result, VulkanError
from engine.vk.faults import faults
from engine.vk.handles import LiveHandles

GRADIENT = """#version 450
layout(local_size_x = 8, local_size_y = 8) in;
layout(std430, binding = 0) buffer Result { float texels[]; };
layout(push_constant) uniform Size { uint width; uint height; };
void main() {
    uvec2 at = gl_GlobalInvocationID.xy;
    if (at.x >= width || at.y >= height) return;
    uint base = (at.y * width + at.x) * 3;
    texels[base] = float(at.x) / width;
    texels[base + 1] = float(at.y) / height;
    texels[base + 2] = 4.0;
}
"""


@pytest.mark.gpu
def test_the_seeds_example_computes_into_a_buffer_maps_it_and_writes_an_hdr_file(tmp_path: Path) -> None:
    width, height = 80, 60
    with Context([Resources(), DebugUtils()], "example", validate=True, best_practices=True) as context:
        allocator = context[Resources].allocator
        result = allocator.create_buffer(
            width * height * 3 * 4,
            BufferUsage.STORAGE_BUFFER,
            MemoryMapping.HOST_ACCESS_RANDOM,
            name="result",
        )
        groups = (-(-width // 8), -(-height // 8), 1)
        bound = {"Result": StorageRange(result.handle)}
        run_compute(context.device, GRADIENT, bound, groups, push=np.array([width, height], np.uint32))
        mapped = result.memory.map()
        result.memory.invalidate()
        data = mapped.view(np.float32).reshape(height, width, 3)
        write_exr(tmp_path / "out.exr", data)
        expected = data.copy()
        result.memory.unmap()
        assert context[DebugUtils].messages == ()
    assert context.leaks == ()
    assert context.instance.handles.left_behind == 0
    assert result.is_closed
    seen = OpenEXR.File(str(tmp_path / "out.exr")).channels()["RGB"].pixels
    assert (seen == expected).all()
    assert seen[59, 79].tolist() == pytest.approx([79 / 80, 59 / 60, 4.0])


@pytest.mark.gpu
def test_extensions_that_are_not_there_say_why(monkeypatch: pytest.MonkeyPatch) -> None:
    class Unheard(Extension):
        name = "unheard"

        def device_extensions(self) -> tuple[str, ...]:
            return ("VK_XYZ_unheard_of",)

    class Unseen(Unheard):
        def instance_extensions(self) -> tuple[str, ...]:
            return ("VK_XYZ_unseen",)

    extensions = [Unheard(), Unseen(), RayTracing(), MemoryBudget(), Resources()]
    with Context(extensions) as context:
        name = context.device.adapter.name
        assert context[Unheard].support.reason == f"{name} has no VK_XYZ_unheard_of"
        assert context[Unseen].support.reason == "the loader offers no VK_XYZ_unseen"
        for kind in (RayTracing, MemoryBudget, Resources):
            support = context[kind].support
            assert support.supported == (not support.reason)
        assert context[Resources].support.supported
        with pytest.raises(KeyError, match="without DebugUtils"):
            context[DebugUtils]


@pytest.mark.gpu
def test_labels_are_recorded_and_names_given_without_the_layers() -> None:
    with Context([DebugUtils(), Resources()]) as context:
        utils = context[DebugUtils]
        assert context.instance.names_objects == utils.support.supported
        staging = context[Resources].allocator.staging
        commands = staging._recorder.commands()
        with utils.label(commands, "upload"):
            pass
        staging.submit().wait()


@pytest.mark.gpu
def test_a_context_that_fails_at_any_call_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    registers: list[LiveHandles] = []
    begin = LiveHandles.__init__

    def noted(self: LiveHandles) -> None:
        begin(self)
        registers.append(self)

    monkeypatch.setattr(LiveHandles, "__init__", noted)
    nth = 1
    while True:
        with faults.injected(nth, Result.OUT_OF_HOST_MEMORY) as injected:
            try:
                with Context([Resources(), DebugUtils()]) as context:
                    context[Resources].allocator.create_buffer(64, BufferUsage.VERTEX_BUFFER)
            except VulkanError:
                assert injected.hits
        assert all(register.total == 0 for register in registers), nth
        if not injected.hits:
            break
        nth += 1
    assert nth > 10


@pytest.mark.gpu
def test_an_image_read_back_is_the_picture_in_the_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    with Context([Resources()]) as context:
        allocator = context[Resources].allocator
        shapes = (ImageShape(Format.R8G8B8A8_UNORM, 9, 5), ImageShape(Format.R16G16B16A16_SFLOAT, 9, 5))
        for shape in shapes:
            with allocator.create_image(shape, ImageUsage.SAMPLED | ImageUsage.TRANSFER_SRC) as image:
                if shape.format is Format.R8G8B8A8_UNORM:
                    picture = rng.integers(0, 256, (5, 9, 4), np.uint8)
                    image.update(picture)
                    write_png(tmp_path / "picture", image.read())
                    assert (np.asarray(Pillow.open(tmp_path / "picture")) == picture).all()
                else:
                    floats = rng.normal(size=(5, 9, 4)).astype(np.float16)
                    image.update(floats)
                    write_exr(tmp_path / "floats", image.read())
                    seen = OpenEXR.File(str(tmp_path / "floats")).channels()["RGBA"].pixels
                    assert (seen == floats).all()


@pytest.mark.parametrize("channels", [0, 1, 2, 3, 4])
def test_pictures_of_one_to_four_channels_are_written(tmp_path: Path, channels: int) -> None:
    shape = (4, 6, channels) if channels else (4, 6)
    picture = np.random.default_rng(channels).integers(0, 256, shape, np.uint8)
    write_png(tmp_path / "a.png", picture)
    assert (
        np.asarray(Pillow.open(tmp_path / "a.png"))
        == picture.reshape(picture.shape[: 3 if channels > 1 else 2])
    ).all()
    write_exr(tmp_path / "a.exr", picture.astype(np.float32))
    planes = OpenEXR.File(str(tmp_path / "a.exr"), separate_channels=True).channels()
    names = "YA" if channels < 3 else "RGBA"
    columns = picture.reshape(4, 6, -1)
    for i in range(columns.shape[2]):
        assert (planes[names[i]].pixels == columns[..., i]).all()


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((4, 4), np.int32),
        np.zeros((4, 4, 5), np.uint8),
        np.zeros(4, np.uint8),
        np.zeros((0, 4), np.uint8),
        "x",
    ],
)
def test_wrong_pictures_are_refused_and_nothing_is_written(tmp_path: Path, wrong: np.ndarray) -> None:
    for write in (write_png, write_exr):
        with pytest.raises(WrongArray, match="out"):
            write(tmp_path / "out", wrong)
    assert not list(tmp_path.iterdir())


def test_a_file_that_cannot_be_written_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = np.zeros((2, 2), np.uint8)
    with pytest.raises(CaptureError, match=r"capture\.write"):
        write_png(tmp_path / "missing" / "a.png", picture)
    kept = tmp_path / "a.png"
    write_png(kept, picture)
    before = kept.read_bytes()

    def fails(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "disk full")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(CaptureError, match="disk full"):
        write_png(kept, picture)
    assert kept.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize("write", [write_png, write_hdr, write_exr])
def test_a_picture_of_any_format_that_finds_no_room_is_refused_and_none_is_left(
    tmp_path: Path, write: Callable[[Path, np.ndarray], None]
) -> None:
    resource = pytest.importorskip("resource")
    picture = np.random.default_rng(1).integers(0, 256, (128, 4, 3), np.uint8)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, limits[1]))
    try:
        with pytest.raises(CaptureError, match=r"capture\.write"):
            write(tmp_path / "a", picture if write is write_png else picture.astype(np.float32))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not list(tmp_path.iterdir())


def test_without_the_package_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "OpenEXR", None)
    with pytest.raises(CaptureError, match=r"capture\.openexr.*\n.*diorama\[capture\]"):
        write_exr(tmp_path / "a", np.zeros((2, 2), np.float32))
