"""A model that is saved again and again is drawn as one that is opened then, to the last pixel."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.gltf_files import GltfFile
from support.live_scene import fresh_picture, live_file
from support.sampling import Sample

from engine.memory.device.live_profile import live_profile
from engine.plan.profile.device_profile import DeviceProfile
from engine.runtime import runtime
from engine.vk.device import Device

pytestmark = pytest.mark.gpu

PANES, SAVES = 8, 6
KINDS = ("albedo", "rough", "normal")


def texels(rng: np.random.Generator, kind: str, size: int) -> bytes:
    """A picture of colours, of normals of a slightly bumpy surface, or of how smooth it is."""
    low, high = {
        "albedo": ((40, 40, 40), (250, 250, 250)),
        "normal": ((118, 118, 250), (138, 138, 256)),
        "rough": ((255, 10, 0), (256, 60, 1)),
    }[kind]
    out = io.BytesIO()
    Image.fromarray(rng.integers(low, high, (size, size, 3)).astype(np.uint8)).save(out, "PNG")
    return out.getvalue()


def crossing_panes(rng: np.random.Generator) -> GltfFile:
    """Bumpy panes that mirror, cross each other, and lie in one plane in part, each of its own material."""
    file = GltfFile()
    for number in range(PANES):
        textures = [
            file.add("textures", {"source": file.add("images", {"uri": f"{number}{kind}.png"})})
            for kind in KINDS
        ]
        material = {
            "name": f"paint{number}",
            "doubleSided": number % 4 == 0,
            "pbrMetallicRoughness": {
                "baseColorTexture": {"index": textures[0]},
                "metallicRoughnessTexture": {"index": textures[1]},
            },
            "normalTexture": {"index": textures[2]},
        }
        quad = file.quad(material=file.add("materials", material))
        turn = rng.uniform(-0.6, 0.6) * (number % 2)
        place = rng.uniform(-0.3, 0.3, 3) * (1, 1, 0)
        tilt = [np.sin(turn), 0, 0, np.cos(turn)]
        mesh = file.mesh(quad, name=f"pane{number}")
        file.node(name=f"pane{number}", mesh=mesh, rotation=tilt, translation=place.tolist())
    return file


def saved(folder: Path, file: GltfFile, rng: np.random.Generator) -> str:
    """Save a change of the model, of one of its pictures or of its geometry; return what it is."""
    kind = str(rng.choice(["picture", "picture", "size", "sides", "factor", "bumps", "corners", "nodes"]))
    material = file.root["materials"][int(rng.integers(PANES))]
    if kind in ("picture", "size"):
        what = str(rng.choice(KINDS))
        name = f"{rng.integers(PANES)}{what}.png"
        (folder / name).write_bytes(texels(rng, what, 16 if kind == "picture" else 8))
        return f"{kind} {name}"
    if kind == "sides":
        material["doubleSided"] = not material["doubleSided"]
    elif kind == "factor":
        material["pbrMetallicRoughness"]["baseColorFactor"] = [*rng.uniform(0.3, 1, 3), 1]
    elif kind == "bumps":
        texture = material["normalTexture"]
        texture["scale"] = float(rng.uniform(0.2, 1))
    elif kind == "corners":
        mesh = file.root["meshes"][int(rng.integers(PANES))]
        corners = file.root["accessors"][mesh["primitives"][0]["attributes"]["TEXCOORD_0"]]
        begin = file.root["bufferViews"][corners["bufferView"]]["byteOffset"]
        file.data[begin : begin + 8] = rng.uniform(0, 1, 2).astype(np.float32).tobytes()
    else:
        rng.shuffle(file.root["scenes"][0]["nodes"])
    (folder / "panes.gltf").write_text(file.text())
    return kind


def model_in(folder: Path, rng: np.random.Generator) -> tuple[Path, GltfFile]:
    """Write the crossing panes and their pictures."""
    folder.mkdir()
    file = crossing_panes(rng)
    for number in range(PANES):
        for kind in KINDS:
            (folder / f"{number}{kind}.png").write_bytes(texels(rng, kind, 16))
    (folder / "panes.gltf").write_text(file.text())
    return folder / "panes.gltf", file


def test_the_pages_that_textures_lie_in_have_no_part_in_the_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not drawn may read zeros beside what is, and so another texture of the page."""
    model, _ = model_in(tmp_path / "model", np.random.default_rng(3))
    whole = fresh_picture(model)

    def parted(device: Device) -> DeviceProfile:
        found = live_profile(device)
        return replace(found, limits=replace(found.limits, max_image_array_layers=9))

    monkeypatch.setattr(runtime, "live_profile", parted)
    assert (fresh_picture(model) == whole).all()


def test_saves_in_any_order_end_in_the_picture_of_the_model_opened_then(
    tmp_path: Path, sample: Sample
) -> None:
    """Neither what lies beside a texture in memory, nor what was drawn before, has a part in it."""
    for seed in sample.seeds(2, 60):
        rng = np.random.default_rng(seed)
        model, file = model_in(tmp_path / str(seed), rng)
        done: list[str] = []
        with live_file(model) as live:
            for _ in range(SAVES):
                reloads, text = live.live.reloads, file.text()
                done.append(saved(model.parent, file, rng))
                if file.text() != text or ".png" in done[-1]:
                    live.until(lambda since=reloads: live.live.reloads > since and not live.live.pending)
                apart = (live.picture() != fresh_picture(model)).any(axis=2)
                assert not apart.any(), (seed, done, int(apart.sum()))
                assert not live.live.problems
