"""Picture files made byte by byte, and damage to them that keeps their structure."""

from __future__ import annotations

import io
import json
import os
import struct
import subprocess
import sys
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image
from support.limits import limit

from engine.assets.importers.pictures.ktx2 import KTX2_SIGNATURE

_MEASURE = """
import ctypes, json, sys
from pathlib import Path
from engine.assets import ColorSpace
from engine.assets.formats import TextureFormat
from engine.assets.importers.texture import TextureSettings, import_texture
def kib(name):
    line = next(l for l in open("/proc/self/status") if l.startswith(name))
    return int(line.split()[1])
ratio = []
for given in sys.argv[1:]:
    path, form = given.split("=")
    space = ColorSpace.LINEAR if form else ColorSpace.SRGB
    settings = TextureSettings(space, None, TextureFormat(form) if form else None)
    data, taken = Path(path).read_bytes(), []
    import_texture(data, path, settings)  # imports what decodes it
    ctypes.CDLL(None).malloc_trim(0)  # what was used before is not used again unseen
    Path("/proc/self/clear_refs").write_text("5")
    before = kib("VmRSS")
    import_texture(data, path, settings, taken.append)
    ratio.append(4 * (kib("VmHWM") - before) * 1024 / taken[-1])
    del data
print(json.dumps(ratio))
"""
"""Imports pictures one after the other; the peak of memory beside the file, in sizes of the picture."""
SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def chunk(kind: bytes, content: bytes) -> bytes:
    """Return a PNG chunk with its length and checksum."""
    body = kind + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))


def header(width: int, height: int, depth: int, kind: int, interlaced: bool = False) -> bytes:
    """Return the chunk IHDR."""
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, interlaced))


def png(head: bytes, *chunks: bytes) -> bytes:
    """Return a PNG file of a header, further chunks and the end."""
    return b"".join((SIGNATURE, head, *chunks, chunk(b"IEND", b"")))


def png_of(samples: Sequence[Sequence[int]], depth: int, kind: int, *before: bytes) -> bytes:
    """Return a PNG file of rows of samples; the chunks `before` stand before its data."""
    rows = b""
    for row in samples:
        bits = "".join(f"{sample:0{depth}b}" for sample in row)
        bits += "0" * (-len(bits) % 8)
        rows += b"\0" + int(bits, 2).to_bytes(len(bits) // 8, "big")
    head = header(len(samples[0]) // CHANNELS[kind], len(samples), depth, kind)
    return png(head, *before, chunk(b"IDAT", zlib.compress(rows)))


def png_claiming(width: int, height: int, data: bytes = b"") -> bytes:
    """Return a PNG file of 8-bit RGBA whose header claims a size that its data need not have."""
    return png(header(width, height, 8, 6), chunk(b"IDAT", zlib.compress(data)))


def file_of(
    texels: npt.NDArray[np.generic], kind: str = "PNG", mode: str | None = None, **options: object
) -> bytes:
    """Return a picture as a file of Pillow's."""
    file = io.BytesIO()
    picture = Image.fromarray(texels)
    (picture.convert(mode) if mode else picture).save(file, kind, **options)
    return file.getvalue()


def jpeg_claiming(width: int, height: int) -> bytes:
    """Return a JPEG file of 8 x 8 pixels whose frame header claims another size."""
    data = bytearray(file_of(np.zeros((8, 8, 3), np.uint8), "JPEG"))
    frame = data.find(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def ktx2_of(texels: npt.NDArray[np.uint8], form: int = 37) -> bytes:
    """Return a KTX 2 file of RGBA texels, of one level; `form` is a VkFormat, r8g8b8a8_unorm by default."""
    height, width, _ = texels.shape
    head = struct.pack("<9I", form, 1, width, height, 0, 0, 1, 1, 0) + bytes(32)
    level = struct.pack("<QQQ", 104, texels.nbytes, texels.nbytes)
    return KTX2_SIGNATURE + head + level + texels.tobytes()


def originals(rng: np.random.Generator) -> list[bytes]:
    """Return small files of every kind of PNG and JPEG, WebP, KTX 2, and of formats that are not imported."""
    noise = rng.integers(0, 256, (24, 20, 4), np.uint8)
    found = [file_of(noise[..., :3], "JPEG", mode) for mode in ("RGB", "L", "CMYK")]
    found += [file_of(noise[..., :3], "JPEG", progressive=True), file_of(noise, "PNG", "P")]
    found += [file_of(noise[..., :3], kind) for kind in ("WEBP", "TIFF", "GIF", "BMP")]
    found += [file_of(noise, "WEBP"), file_of(noise, "WEBP", lossless=True), ktx2_of(noise)]
    for kind, depths in ((0, (1, 2, 4, 8, 16)), (2, (8, 16)), (4, (8, 16)), (6, (8, 16))):
        for depth in depths:
            samples = rng.integers(0, 1 << depth, (9, 7 * CHANNELS[kind])).tolist()
            key = chunk(b"tRNS", struct.pack(f">{CHANNELS[kind]}H", *samples[0][: CHANNELS[kind]]))
            text = chunk(b"tEXt", b"Comment\0" + bytes(20))
            found.append(png_of(samples, depth, kind, *([key] if kind in (0, 2) else []), text))
    return found


def damaged(rng: np.random.Generator, data: bytes) -> bytes:
    """Return a file with bytes changed, removed or inserted; the checksums of a PNG file are right again."""
    if data.startswith(SIGNATURE) and rng.random() < 0.8:
        return _damaged_png(rng, data)
    return _damaged_bytes(rng, data)


def _damaged_png(rng: np.random.Generator, data: bytes) -> bytes:
    chunks, at = [], 8
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    for _ in range(int(rng.integers(1, 4))):
        number = int(rng.integers(len(chunks)))
        kind, content = chunks[number]
        how = int(rng.integers(6))
        if how == 0:
            chunks.insert(int(rng.integers(len(chunks) + 1)), (kind, content))
        elif how == 1:
            del chunks[number]
        elif how == 2:
            kinds = (b"IHDR", b"IDAT", b"PLTE", b"tRNS", b"IEND", b"acTL", b"fcTL", b"zTXt", b"iCCP", b"XXXX")
            chunks[number] = (kinds[int(rng.integers(len(kinds)))], content)
        elif how == 3 and kind == b"IDAT":
            try:
                rows = _damaged_bytes(rng, zlib.decompress(content))
            except zlib.error:
                rows = content
            chunks[number] = (kind, zlib.compress(rows))
        else:
            chunks[number] = (kind, _damaged_bytes(rng, content))
        if not chunks:
            break
    return SIGNATURE + b"".join(chunk(kind, content) for kind, content in chunks)


def _damaged_bytes(rng: np.random.Generator, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(int(rng.integers(1, 5))):
        at = int(rng.integers(len(changed) + 1))
        how = int(rng.integers(4))
        if how == 0:
            del changed[at : at + int(rng.integers(1, 40))]
        elif how == 1:
            changed[at:at] = rng.bytes(int(rng.integers(1, 9)))
        elif at < len(changed):
            changed[at] = (0, 1, 255, 127, changed[at] ^ (1 << int(rng.integers(8))))[int(rng.integers(5))]
    return bytes(changed)


def peak_ratios(
    files: dict[str, bytes], folder: Path, formats: Mapping[str, str] | None = None
) -> dict[str, float]:
    """Import pictures in another process; return the peak of memory that each takes beside its file.

    In sizes of the finest level, as it is decoded or stored, with all mip levels; `formats` are those
    of textures that are not as their source. Linux alone has these figures.
    """
    paths = [folder / str(number) for number in range(len(files))]
    for path, data in zip(paths, files.values(), strict=True):
        path.write_bytes(data)
    names = [(formats or {}).get(name, "") for name in files]
    given = [f"{path}={form}" for path, form in zip(paths, names, strict=True)]
    command = [sys.executable, "-c", _MEASURE, *given]
    given_back = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=limit(100), check=True, env=given_back
    )
    return dict(zip(files, json.loads(done.stdout), strict=True))
