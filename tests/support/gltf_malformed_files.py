"""Malformed glTF files whose buffers, containers, or texts are broken: more of MALFORMED."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from support.gltf_files import glb
from support.gltf_malformed import MALFORMED, Change, Malformed, Plain, base, changed, of_bytes, of_text, put


# Buffers.
def _other_buffer(uri: Any, length: int = 48) -> Change:
    def change(root: Plain) -> None:
        root["buffers"] = [{"byteLength": length, "uri": uri}]
        root["bufferViews"][7] = {"buffer": 1, "byteLength": 48}

    return change


changed("buffer that is missing", "file.missing", "/buffers/1/uri", _other_buffer("none.bin"))
changed("buffer above the root", "file.outside", "/buffers/1/uri", _other_buffer("../../secret.bin"))
changed("buffer of an absolute path", "file.outside", "/buffers/1/uri", _other_buffer("/etc/hostname"))
changed("buffer of a URL", "file.outside", "/buffers/1/uri", _other_buffer("https://example.com/a.bin"))
changed(
    "buffer with an encoded way out",
    "file.outside",
    "/buffers/1/uri",
    _other_buffer("%2e%2e/%2e%2e/secret.bin"),
)
changed("buffer with an encoded NUL", "file.name", "/buffers/1/uri", _other_buffer("a%00.bin"))
changed("buffer that is a folder", "file.kind", "/buffers/1/uri", _other_buffer("."))
changed("data URI that is no base64", "gltf.buffer", "/buffers/1/uri", _other_buffer("data:;base64,####"))
changed("data URI without a comma", "gltf.buffer", "/buffers/1/uri", _other_buffer("data:;base64"))
changed("data URI that is too short", "gltf.buffer", "/buffers/1", _other_buffer("data:;base64,AAAA"))
changed("URI of a lone surrogate", "file.name", "/buffers/1/uri", _other_buffer("\ud800.bin"))
changed("data URI of a lone surrogate", "gltf.buffer", "/buffers/1/uri", _other_buffer("data:,\ud800"))
changed("URI that is a number", "gltf.value", "/buffers/1/uri", _other_buffer(5))
changed(
    "second buffer without a URI",
    "gltf.buffer",
    "/buffers/1",
    lambda root: (
        root.update(buffers=[{"byteLength": 48}]),
        root["bufferViews"].__setitem__(7, {"buffer": 1, "byteLength": 48}),
    ),
)


for what, uri, code in (
    ("above the root", "../../a.png", "file.outside"),
    ("of a URL", "https://example.com/a.png", "file.outside"),
    ("of half a character", "\ud800.png", "file.name"),
):
    changed(f"image {what}", code, "/images/0", put("images", 0, value={"uri": uri}))


def _by_link(folder: Path) -> Path:
    secret = folder.parent.parent / "secret.bin"
    secret.write_bytes(bytes(48))
    os.symlink(secret, folder / "link.bin")
    file = base()
    _other_buffer("link.bin")(file.root)
    return file.write(folder / "broken.gltf")


def _too_short(folder: Path) -> Path:
    (folder / "short.bin").write_bytes(bytes(20))
    file = base()
    _other_buffer("short.bin")(file.root)
    return file.write(folder / "broken.gltf")


def _fifo(folder: Path) -> Path:
    os.mkfifo(folder / "pipe.bin")
    file = base()
    _other_buffer("pipe.bin")(file.root)
    return file.write(folder / "broken.gltf")


MALFORMED.append(Malformed("buffer through a link out", "file.outside", "/buffers/1/uri", _by_link))
MALFORMED.append(Malformed("buffer that is too short", "gltf.buffer", "/buffers/1", _too_short))
MALFORMED.append(Malformed("buffer that is a FIFO", "file.kind", "/buffers/1/uri", _fifo))

# The whole file.
of_bytes("nothing but the mark", "gltf.container", lambda data: data[:4])
of_bytes("header cut off", "gltf.container", lambda data: data[:10])
of_bytes("no chunk", "gltf.container", lambda data: data[:12])
of_bytes("cut within the JSON", "gltf.container", lambda data: data[:100])
of_bytes("cut within the buffer", "gltf.container", lambda data: data[:-8])
of_bytes("container of version 1", "gltf.version", lambda data: data[:4] + b"\1\0\0\0" + data[8:])
of_bytes("length of 4 GB", "gltf.container", lambda data: data[:8] + b"\xff\xff\xff\xff" + data[12:])
of_bytes("chunk of 4 GB", "gltf.container", lambda data: data[:12] + b"\xff\xff\xff\xff" + data[16:])
of_bytes("first chunk of another type", "gltf.container", lambda data: data[:16] + b"BIN\0" + data[20:])
of_bytes("a chunk of no JSON", "gltf.json", lambda data: glb(b"[", b""))
of_text("empty file", "gltf.json", lambda text: "")
of_text("no JSON", "gltf.json", lambda text: text[:-20])
of_text(
    "NaN in the JSON",
    "gltf.json",
    lambda text: text.replace('"version": "2.0"', '"version": "2.0", "x": NaN'),
)
for name, value in (
    ("scene of 5,000 digits", "9" * 5000),
    ("scene of a million digits", "1" * 1_000_000),
    ("scene of a huge fraction", "1e400"),
):
    of_text(
        name,
        "gltf.value",
        lambda text, value=value: text.replace('"scene": 0', f'"scene": {value}'),
        whole=False,
        at="/scene",
    )
of_text(
    "100,000 lists in each other",
    "gltf.json",
    lambda text: text.replace('"scene": 0', f'"x": {"[" * 100_000}'),
)
of_text("no UTF-8", "gltf.json", lambda text: text.encode().replace(b'"good"', b'"\xff\xfe"'))
of_text("UTF-16", "gltf.json", lambda text: text.encode("utf-16"))
of_text("a list", "gltf.value", lambda text: "[]", at="/")
of_text("no asset", "gltf.value", lambda text: text.replace('"asset"', '"asset_"'), at="/")
of_text(
    "version 1",
    "gltf.version",
    lambda text: text.replace('"version": "2.0"', '"version": "1.1"'),
    at="/asset/version",
)
of_text(
    "version that is a number",
    "gltf.value",
    lambda text: text.replace('"version": "2.0"', '"version": 2.0'),
    at="/asset/version",
)
of_text(
    "required extension",
    "gltf.extension",
    lambda text: text.replace('"scene": 0', '"extensionsRequired": ["KHR_materials_fog"], "scene": 0'),
    at="/extensionsRequired/0",
)
of_text(
    "extension that is used",
    "gltf.extension",
    lambda text: text.replace('"scene": 0', '"extensionsUsed": ["KHR_materials_fog"], "scene": 0'),
    whole=False,
    at="/extensionsUsed/0",
)
of_text(
    "key that stands twice",
    "gltf.json",
    lambda text: text.replace('"scene": 0', '"scene": 3, "scene": 0'),
    whole=False,
    at="/scene",
)
changed("nodes that are no list", "gltf.value", "/nodes", put("nodes", value={"0": {}}), whole=True)
changed("scenes of numbers", "gltf.value", "/scenes/0", put("scenes", value=[4]))


__all__ = ["MALFORMED"]
