"""The cost of cooking, and of opening when nothing has changed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
from harness import Row
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.pictures import file_of, peak_ratios

from engine.assets import AssetDb, builtin_db, open_library, read_asset_db_file
from engine.assets.files import FileGate
from engine.assets.formats import ColorSpace, IndexFormat, Topology, VertexFormat
from engine.assets.importers.mesh import IndexSettings, VertexSettings, pack_indices, pack_vertices
from engine.assets.importers.mesh_source import read_mesh_source
from engine.assets.importers.mips import fill_mips, full_chain
from engine.assets.importers.shader_source import expand
from engine.assets.records import Shader, Texture2d
from engine.assets.tools.tools import find_compiler
from engine.humon import parse

ROOT = Path(__file__).resolve().parents[2]


def rows() -> Iterable[Row]:
    """Cook and warm open of cube.hu, of 2,000 textures; a large mesh; a large picture's mip chain."""
    yield from cube()
    yield from two_thousand_textures()
    yield large_mesh()
    yield large_picture()
    yield decoding_memory()


def best(work: Callable[[], object], times: int = 5) -> float:
    """The shortest of some runs, in milliseconds."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        taken.append((time.perf_counter() - start) * 1e3)
    return min(taken)


def cube() -> Iterator[Row]:
    scene = ROOT / "scenes" / "cube.assets.hu"
    db = read_asset_db_file(scene, 1)
    with tempfile.TemporaryDirectory() as folder:
        cold = best(lambda: open_library([db], cache_root=Path(folder)).close(), 1)
        bare = best(lambda: bare_tools([builtin_db(), db]), 1)
        yield Row(
            name="assets.cook_cube",
            value=cold,
            unit="ms",
            reference="the same compiler runs and picture decodings, one after the other",
            reference_value=bare,
            aim="<= 1.5 x the bare tools",
            holds=cold <= 1.5 * bare,
        )

        def open_warm() -> None:
            open_library([read_asset_db_file(scene, 1)], cache_root=Path(folder)).close()

        warm = best(open_warm)
        data = [path.read_bytes() for path in Path(folder).glob("*.ogCache")]
        yield Row(
            name="assets.warm_open_cube",
            value=warm,
            unit="ms",
            reference="CRC-32 of the same cache files",
            reference_value=best(lambda: [zlib.crc32(content) for content in data]),
            aim="<= 30 ms with reading the .hu",
            holds=warm <= 30,
        )


def bare_tools(dbs: list[AssetDb]) -> None:
    """The lower bound: the compiler on every shader, Pillow on every picture."""
    compiler = find_compiler()
    assert compiler is not None
    with tempfile.TemporaryDirectory() as folder:
        for asset in (asset for db in dbs for asset in db.assets):
            if isinstance(asset, Shader):
                whole = Path(folder) / "whole.glsl"
                whole.write_text("\n".join(expand(asset.source, FileGate(ROOT)).lines))
                command = [compiler.path, "-V", "--target-env", "vulkan1.3", "-S", asset.stage.short]
                command += ["-o", os.path.join(folder, "out"), str(whole)]
                subprocess.run(command, env=compiler.environment, check=True, capture_output=True)
            elif isinstance(asset, Texture2d):
                np.asarray(Image.open(asset.source).convert("RGBA"))


def two_thousand_textures() -> Iterator[Row]:
    count = 2000
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (root / "assets").mkdir()
        random = np.random.default_rng(3)
        for index in range(count):
            texels = random.integers(0, 256, (32, 32, 4), np.uint8)
            Image.fromarray(texels).save(root / "assets" / f"{index}.png", compress_level=1)
            os.utime(root / "assets" / f"{index}.png", (1e9, 1e9))
        lines = [f"{{ @type: texture2d  source: assets/{index}.png }}" for index in range(count)]
        scene = root / "many.hu"
        scene.write_text("assetDb: { name: many  assets: [\n" + "\n".join(lines) + "\n] }", encoding="utf-8")
        decode = best(
            lambda: [
                np.asarray(Image.open(root / "assets" / f"{index}.png").convert("RGBA"))
                for index in range(count)
            ],
            1,
        )
        cold = best(lambda: open_library([read_asset_db_file(scene, 1)]).close(), 1)
        yield Row(
            name="assets.cook_2000_textures",
            value=cold,
            unit="ms",
            reference="decoding the same pictures with Pillow, no mips, nothing written",
            reference_value=decode,
            aim="<= 10 x decoding alone",
            holds=cold <= 10 * decode,
        )
        warm = best(lambda: open_library([read_asset_db_file(scene, 1)]).close(), 3)
        (root / "assets" / "7.png").write_bytes((root / "assets" / "8.png").read_bytes())
        one = best(lambda: open_library([read_asset_db_file(scene, 1)]).close(), 1)
        yield Row(
            name="assets.warm_open_2000",
            value=warm,
            unit="ms",
            reference="cooking them",
            reference_value=cold,
            aim="<= 15 % of cooking",
            holds=warm <= 0.15 * cold,
        )
        yield Row(
            name="assets.one_of_2000_changed",
            value=one,
            unit="ms",
            reference="cooking them all",
            reference_value=cold,
            aim="<= 30 % of cooking all",
            holds=one <= 0.3 * cold,
        )


def large_mesh() -> Row:
    """A grid of 90,000 vertices: its `.hu` source read and packed, beside json.loads of the same numbers."""
    side = 300
    x, z = np.meshgrid(np.linspace(0, 1, side), np.linspace(0, 1, side))
    positions = np.stack([x.ravel(), np.sin(x * 9).ravel(), z.ravel()], axis=1).round(5).tolist()
    corner = (np.arange(side - 1)[:, None] * side + np.arange(side - 1)).ravel()
    triangles = np.stack(
        [corner, corner + side, corner + 1, corner + 1, corner + side, corner + side + 1], axis=1
    )
    as_json = json.dumps({"pos": positions, "normal": positions, "indices": triangles.tolist()})
    text = (
        "mesh: { vertices: { pos: "
        + json.dumps(positions)
        + " normal: "
        + json.dumps(positions)
        + " } indices: "
        + json.dumps(triangles.tolist())
        + " }"
    )
    layout = (("pos", VertexFormat.R32G32B32_SFLOAT), ("normal", VertexFormat.R32G32B32_SFLOAT))

    def ours() -> None:
        source = read_mesh_source(parse(text, "grid.hu"))
        pack_vertices(source, VertexSettings(layout))
        pack_indices(source, IndexSettings(IndexFormat.UINT32, Topology.TRIANGLE_LIST))

    value, reference = best(ours, 3), best(lambda: json.loads(as_json), 3)
    return Row(
        name="assets.import_mesh_90k",
        value=value,
        unit="ms",
        reference="json.loads of the same numbers, nothing checked or packed",
        reference_value=reference,
        aim="<= 10 x json.loads",
        holds=value <= 10 * reference,
    )


def large_picture() -> Row:
    """The mip chain of 2048 x 2048 texels in linear light, beside Pillow's box filter on the encoded ones."""
    texels = np.random.default_rng(5).integers(0, 256, (2048, 2048, 4), np.uint8)
    picture = Image.fromarray(texels)

    def with_pillow() -> None:
        smaller = picture
        for _ in range(11):
            smaller = smaller.reduce(2)

    sides = [2048 >> level for level in range(full_chain(2048, 2048))]
    levels = [np.empty((side, side, 4), np.uint8) for side in sides]
    levels[0][:] = texels
    value = best(lambda: fill_mips(levels, ColorSpace.SRGB), 3)
    reference = best(with_pillow, 3)
    return Row(
        name="assets.mips_2048",
        value=value,
        unit="ms",
        reference="Pillow's reduce(2), which averages encoded values",
        reference_value=reference,
        aim="<= 500 ms",
        holds=value <= 500,
    )


def decoding_memory() -> Row:
    """The peak of resident memory of decoding 2,560 x 2,560 pixels of noise with all mip levels."""
    noise = np.random.default_rng(6).integers(0, 256, (2560, 2560, 4), np.uint8)
    files = {
        "PNG": file_of(noise, compress_level=0),
        "JPEG": file_of(noise[..., :3], "JPEG", subsampling=0),
        "progressive JPEG": file_of(noise[..., :3], "JPEG", progressive=True, subsampling=0),
        "progressive CMYK": file_of(noise[..., :3], "JPEG", "CMYK", progressive=True),
    }
    with tempfile.TemporaryDirectory() as folder:
        ratios = peak_ratios(files, Path(folder))
    worst = max(ratios, key=lambda kind: ratios[kind])
    return Row(
        name="assets.decode_peak",
        value=ratios[worst],
        unit="x",
        reference=f"the bytes of the finest level ({worst})",
        reference_value=1.0,
        aim="<= 4 x the finest level, beside the file",
        holds=ratios[worst] <= 4,
    )
