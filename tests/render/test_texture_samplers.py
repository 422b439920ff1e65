"""Anisotropy is for textures with mip levels; without them every sample would cost, and show nothing more."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from support.scenes import ROOT

from engine.render.descriptors import Bound, BoundImage, DescriptorSets
from engine.render.pipelines.layouts import SetLayout
from engine.testing import open_scene
from engine.vk.device import Device
from engine.vk.enums import AdapterType

pytestmark = pytest.mark.gpu


def scene_with_single_levels(folder: Path) -> Path:
    """Write cube.hu with one mip level in the textures of the brick; the ground keeps all of its levels."""
    shutil.copytree(ROOT / "assets", folder / "assets")
    (folder / "scenes").mkdir()
    for name in ("cube.hu", "cube.assets.hu"):
        text = (ROOT / "scenes" / name).read_text(encoding="utf-8")
        text = text.replace("albedo.png\n", "albedo.png  mipLevels: 1\n")
        (folder / "scenes" / name).write_text(text, encoding="utf-8")
    return folder / "scenes" / "cube.hu"


def test_only_textures_with_mip_levels_are_sampled_with_anisotropy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create, anisotropic, levels = Device.create, dict[Any, bool](), dict[Any, int]()
    get, images = DescriptorSets.get, list[BoundImage]()
    kinds: list[AdapterType] = []

    def created(device: Device, type_name: str, info: Any, **why: Any) -> Any:
        handle = create(device, type_name, info, **why)
        if type_name == "Sampler":
            kinds.append(device.adapter.type)
            anisotropic[handle] = bool(info.anisotropyEnable)
        if type_name == "ImageView":
            levels[handle] = info.subresourceRange.levelCount
        return handle

    def got(sets: DescriptorSets, layout: SetLayout, contents: tuple[Bound, ...]) -> Any:
        images.extend(bound for bound in contents if isinstance(bound, BoundImage))
        return get(sets, layout, contents)

    monkeypatch.setattr(Device, "create", created)
    monkeypatch.setattr(DescriptorSets, "get", got)
    with open_scene(scene_with_single_levels(tmp_path), size=(64, 48), own_device=True) as scene:
        scene.step(count=2)
    has_it = kinds[0] is not AdapterType.CPU  # devices in software take several times as long for it
    assert {(levels[image.view], anisotropic[image.sampler]) for image in images} == {(1, False), (9, has_it)}
