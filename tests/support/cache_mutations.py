"""Caches with correct checksums and wrong contents, for tests of what reads them."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from engine.assets.cache.cache import HEADER_BYTES, open_cache, pack_header, padded

Rng = np.random.Generator
Rows = list[dict[str, Any]]

DEEP: list[Any] = []
for _ in range(200):
    DEEP = [DEEP]
HOSTILE: tuple[Any, ...] = (
    0,
    1,
    -1,
    2**31,
    2**32,
    2**63 - 1,
    2**64,
    10**400,
    0.5,
    float("nan"),
    float("inf"),
    None,
    True,
    "",
    "x",
    "a\0b",
    "\ud800",
    "../../../etc/passwd",
    "/dev/zero",
    "r8g8b8a8_unorm",
    "x" * 100_000,
    [],
    [0, 0, 0],
    {},
    {"x": 1},
    DEEP,
)


def taken_apart(content: bytes) -> tuple[Rows, bytearray]:
    """Return the table of a cache as plain values, and its data."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "whole.ogCache")
        path.write_bytes(content)
        image = open_cache(path)
        data = bytearray(image.data)
        image.close()
    table = content[HEADER_BYTES + len(data) :]
    return json.loads(table)["entries"], data


def put_together(rows: Any, data: bytes | bytearray) -> bytes:
    """Return a cache with this table and this data, its header with correct sizes and checksums."""
    table = json.dumps({"entries": rows}).encode()
    toc_offset = HEADER_BYTES + len(data)
    return pack_header(toc_offset + len(table), toc_offset, table) + bytes(data) + table


def repair(row: dict[str, Any], data: bytearray) -> None:
    """Correct the checksum of one asset."""
    row["checksum"] = zlib.crc32(data[row["offset"] : row["offset"] + padded(row["size"])])


def _hostile(rng: Rng, old: Any) -> Any:
    near = [old - 1, old + 1, old * 2, -old] if type(old) in (int, float) else []
    pool = [*HOSTILE, *near, *near]
    return pool[int(rng.integers(len(pool)))]


def _change_part(rng: Rng, value: Any) -> None:
    """Change, remove or add one value somewhere in an object or array."""
    while True:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        what = int(rng.integers(10))
        if what == 0 or not keys:
            if isinstance(value, dict):
                value["surprise"] = _hostile(rng, 0)
            else:
                value.insert(int(rng.integers(len(value) + 1)), _hostile(rng, 0))
            return
        key = keys[int(rng.integers(len(keys)))]
        if what == 1:
            del value[key]
            return
        if isinstance(value[key], dict | list) and value[key] and what < 8:
            value = value[key]
            continue
        value[key] = _hostile(rng, value[key])
        return


def change_fact(rng: Rng, rows: Rows, data: bytearray) -> None:
    _change_part(rng, rows[int(rng.integers(len(rows)))]["facts"])


def change_entry(rng: Rng, rows: Rows, data: bytearray) -> None:
    _change_part(rng, rows[int(rng.integers(len(rows)))])


def swap(rng: Rng, rows: Rows, data: bytearray) -> None:
    """Exchange identities, facts, sources, ranges or places of two assets."""
    one, other = (rows[i] for i in rng.choice(len(rows), 2, replace=False).tolist())
    members = (("identity",), ("facts",), ("sources",), ("offset", "size", "checksum"), tuple(one))
    for name in members[int(rng.integers(len(members)))]:
        one[name], other[name] = other[name], one[name]


def repeat_or_remove(rng: Rng, rows: Rows, data: bytearray) -> None:
    at = int(rng.integers(len(rows)))
    if rng.integers(2):
        rows.append(dict(rows[at]))
    else:
        del rows[at]


def change_data(rng: Rng, rows: Rows, data: bytearray) -> None:
    """Write other numbers into the bytes of one asset: large indices, NaN, words of SPIR-V."""
    row = rows[int(rng.integers(len(rows)))]
    word = [b"\xff\xff", b"\xff\xff\xff\xff", struct.pack("<f", float("nan")), rng.bytes(4), bytes(4)]
    new = word[int(rng.integers(len(word)))][: row["size"]]
    at = row["offset"] + int(rng.integers(0, row["size"] - len(new) + 1)) // len(new) * len(new)
    data[at : at + len(new)] = new
    repair(row, data)


def exchange_data(rng: Rng, rows: Rows, data: bytearray) -> None:
    """Give one asset the bytes of another, as far as they go."""
    one, other = (rows[i] for i in rng.choice(len(rows), 2, replace=False).tolist())
    size = min(one["size"], other["size"])
    data[one["offset"] : one["offset"] + size] = data[other["offset"] : other["offset"] + size]
    repair(one, data)


def shorten(rng: Rng, rows: Rows, data: bytearray) -> None:
    """Shorten an asset, move all that follow, and let its facts agree where they name a count."""
    at = int(rng.integers(len(rows)))
    row = rows[at]
    facts = row["facts"]
    count = facts.get("count", 0)
    less = row["size"] // count if count > 1 else 4
    if count > 1:
        facts["count"] = count - 1
    old = padded(row["size"])
    row["size"] = max(0, row["size"] - less)
    gone = old - padded(row["size"])
    end = row["offset"] + padded(row["size"])
    data[row["offset"] + row["size"] : end] = bytes(end - row["offset"] - row["size"])
    del data[end : end + gone]
    for later in rows[at + 1 :]:
        later["offset"] -= gone
    repair(row, data)


MUTATIONS: tuple[Callable[[Rng, Rows, bytearray], None], ...] = (
    change_fact,
    change_fact,
    change_entry,
    swap,
    repeat_or_remove,
    change_data,
    exchange_data,
    shorten,
)
CONTENT_CHANGES = frozenset({change_data, exchange_data})
"""Mutations that may leave facts as they are and change what cannot be checked: pixels, normals, code."""


def mutated(rng: Rng, content: bytes) -> tuple[bytes, bool]:
    """Return a mutated cache with correct checksums, and whether only bytes of assets were changed."""
    rows, data = taken_apart(content)
    if rng.integers(30) == 0:  # sizes in the header
        header = bytearray(content[:HEADER_BYTES])
        value = [2**64 - 1, 2**63, 2**32, 0, 4095, len(content) - 1][int(rng.integers(6))]
        struct.pack_into("<Q", header, 16 + 8 * int(rng.integers(5)), value)
        struct.pack_into("<I", header, 60, 0)
        struct.pack_into("<I", header, 60, zlib.crc32(header))
        return bytes(header) + content[HEADER_BYTES:], False
    mutation = MUTATIONS[int(rng.integers(len(MUTATIONS)))]
    mutation(rng, rows, data)
    return put_together(rows, data), mutation in CONTENT_CHANGES
