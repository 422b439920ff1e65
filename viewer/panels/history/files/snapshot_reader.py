"""Reads snapshot files, which anybody may have written: every number is checked before it is used.

A wrong line is reported with its place. What is read is at most as large as the file, which is limited.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.humon import (
    InputError,
    Node,
    Position,
    Problem,
    boolean,
    expect,
    failure,
    integer,
    parse,
    required,
    text,
)
from engine.humon import (
    Kind as NodeKind,
)
from engine.humon.files import read_bytes
from engine.plan.model.memory_plan import ALLOCATION, RESOURCE, Sharing
from engine.plan.terms.formats import Format
from engine.plan.terms.table import Int64s, Rows, contains
from engine.plan.terms.vocabulary import Kind, MemoryProperty, flags_from_names
from viewer.panels.history.files.codes import SnapshotCode
from viewer.panels.history.files.snapshot_file import MAX_WHY, VERSION
from viewer.panels.history.memory_image import (
    PLACED,
    DeviceFacts,
    HeapFacts,
    MemoryImage,
    WrittenNames,
)
from viewer.panels.history.snapshots import RowTexts, Snapshot

LARGEST_FILE = 128 << 20
MAX_ROWS = 1 << 20
"""Rows of one table."""
MAX_BYTES = 1 << 44  # sums of a table then fit int64
MAX_ID = (1 << 31) - 1
MAX_SIDE = 1 << 16
MAX_HEAPS, MAX_TYPES = 16, 32
_AGAIN = "save the snapshot again"
_ROW = re.compile(r"([0-9a-f]{16}) (\".*\")")
_PLACE = re.compile(r"(-?[0-9]+(?: -?[0-9]+)*) (-|[0-9]+(?:,[0-9]+)*) (\".*\")")

# The least and the largest number of each column that is not a flag.
_RANGES: dict[str, tuple[int, int]] = {
    "id": (0, MAX_ID),
    "memory_type": (0, MAX_TYPES - 1),
    "size": (0, MAX_BYTES),
    "allocation": (0, MAX_ID),
    "offset": (0, MAX_BYTES),
    "bytes": (0, MAX_BYTES),
    "alignment": (1, MAX_BYTES),
    "kind": (min(Kind), max(Kind)),
    "width": (0, MAX_SIDE),
    "height": (0, MAX_SIDE),
    "mip_levels": (0, 32),
    "samples": (0, 64),
    "layers": (0, MAX_SIDE),
    "sharing": (min(Sharing), max(Sharing)),
    "key": (0, (1 << 63) - 1),
    "resource": (0, MAX_ID),
    "footprint": (0, MAX_BYTES),
    "stride": (0, MAX_BYTES),
    "usage": (0, (1 << 32) - 1),
}


def read_snapshot(path: Path) -> Snapshot:
    """Read a snapshot file. Raises InputError with the place of what is wrong in it."""
    content = read_bytes(path, str(path), LARGEST_FILE)
    return parse_snapshot(content, str(path))


def parse_snapshot(content: bytes | str, name: str) -> Snapshot:
    """The snapshot in the content of a file, which problems call `name`."""
    root = required(parse(content, name).root, "snapshot")
    version = required(root, "version")
    if (found := integer(version, 0, MAX_ID)) != VERSION:
        message = f"the snapshot has version {found}, and this viewer reads {VERSION}"
        raise failure(SnapshotCode.VERSION, message, version, "open it with the viewer that wrote it")
    device = _device(root)
    tables = {table: _numbers(root, table, dtype) for table, dtype in _TABLES.items()}
    places, names = _places(root)
    image = MemoryImage(tables["allocations"].rows, tables["resources"].rows, places.rows, device, names)
    _check(image, tables["allocations"], tables["resources"], places)
    counts = expect(required(root, "objects"), NodeKind.DICT)
    objects = {key: integer(count, 0, MAX_ID) for key, count in counts.items()}
    return Snapshot(
        text(required(root, "name")),
        text(required(root, "scene")),
        integer(required(root, "frame"), 0, MAX_BYTES),
        image,
        integer(required(root, "liveBytes"), 0, MAX_BYTES),
        objects,
        _row_texts(root),
    )


_TABLES = {"allocations": ALLOCATION, "resources": RESOURCE}


@dataclass(frozen=True, eq=False)
class _Read:
    """Rows of a table, sorted, and the line of each in the file."""

    name: str
    rows: Rows
    lines: Int64s
    file: str

    def fail(self, code: SnapshotCode, bad: NDArray[np.bool_], message: Callable[[int], str]) -> None:
        """Raise InputError at the first bad row, if there is one."""
        found = np.flatnonzero(bad)
        if len(found):
            first = int(found[np.argmin(self.lines[found])])
            raise _problem(code, message(first), self.file, int(self.lines[first]))


def _problem(code: SnapshotCode, message: str, file: str, line: int) -> InputError:
    return InputError(Problem(code, message, Position(file, line, 1), help=_AGAIN))


def _device(root: Node) -> DeviceFacts:
    heaps = [
        HeapFacts(
            integer(required(heap, "size"), 0, MAX_BYTES),
            integer(required(heap, "budget"), 0, MAX_BYTES),
            boolean(required(heap, "deviceLocal")),
        )
        for heap in _few(root, "heaps", MAX_HEAPS)
    ]
    types = [
        (integer(required(each, "heap"), 0, len(heaps) - 1), _properties(required(each, "properties")))
        for each in _few(root, "memoryTypes", MAX_TYPES)
    ]
    return DeviceFacts(text(required(root, "device")), tuple(heaps), tuple(types))


def _few(root: Node, key: str, most: int) -> list[Node]:
    """The nodes of a list of at least one and at most so many."""
    node = expect(required(root, key), NodeKind.LIST)
    found = list(node)
    if not 1 <= len(found) <= most:
        message = f"{key} has {len(found)} entries, not 1 to {most}"
        raise failure(SnapshotCode.TABLE, message, node, _AGAIN)
    return found


def _properties(node: Node) -> MemoryProperty:
    try:
        found = flags_from_names(MemoryProperty, [text(child) for child in expect(node, NodeKind.LIST)])
    except (KeyError, ValueError) as unknown:
        raise failure(SnapshotCode.TABLE, f"{unknown} is no property of memory", node, _AGAIN) from None
    if not 0 <= int(found) < 1 << 31:
        raise failure(SnapshotCode.TABLE, f"{int(found):#x} is no property of memory", node, _AGAIN)
    return found


def _lines(root: Node, table: str) -> tuple[list[str], Int64s]:
    """The lines of a table, and where each is in the file."""
    found: list[str] = []
    numbers: list[NDArray[np.int64]] = []
    for block in expect(required(root, table), NodeKind.LIST):
        lines = text(block).split("\n")
        if lines and not lines[-1]:
            lines.pop()
        document = block.document
        is_tagged = document.text[document.value_start(block.row)] == "^"
        first = block.position.line + is_tagged
        numbers.append(np.arange(first, first + len(lines)))
        found += lines
        if len(found) > MAX_ROWS:
            message = f"{table} has more than {MAX_ROWS:,} rows"
            raise failure(SnapshotCode.TABLE, message, block, "a snapshot of so many blocks is not opened")
    return found, np.concatenate(numbers) if numbers else np.zeros(0, np.int64)


def _numbers(root: Node, table: str, dtype: np.dtype[Any]) -> _Read:
    lines, at = _lines(root, table)
    return _sorted(_rows(table, lines, at, dtype, root.document.name), "id")


def _places(root: Node) -> tuple[_Read, WrittenNames]:
    """The places, and the names and requesters of their keys."""
    file = root.document.name
    lines, at = _lines(root, "requesters")
    requesters = _strings(lines, at, file)
    lines, at = _lines(root, "places")
    numbers, named, why = [], [], []
    for line, number in zip(lines, at.tolist(), strict=True):
        found = _PLACE.fullmatch(line)
        if found is None:
            message = "not a row of places: numbers, requesters, and a name in quotes"
            raise _problem(SnapshotCode.ROW, message, file, number)
        numbers.append(found[1])
        named.append(found[3])
        why.append(_requesters(found[2], requesters, file, number))
    names = _strings(named, at, file)
    read = _rows("places", numbers, at, PLACED, file)
    keys = read.rows["key"].tolist()
    written = WrittenNames(dict(zip(keys, names, strict=True)), dict(zip(keys, why, strict=True)))
    return _sorted(read, "key"), written


def _row_texts(root: Node) -> RowTexts | None:
    """The rows of the plans that hold no memory; None where a file of before has none."""
    rows = root.get("rows")
    if rows is None or not len(rows):
        return None
    found: dict[str, dict[str, str]] = {}
    for title, _ in expect(rows, NodeKind.DICT).items():
        lines, at = _lines(rows, title)
        split = [_ROW.fullmatch(line) for line in lines]
        for match, number in zip(split, at.tolist(), strict=True):
            if match is None:
                message = f"not a row of {title}: a digest, and a name in quotes"
                raise _problem(SnapshotCode.ROW, message, root.document.name, number)
        matches = [match for match in split if match is not None]
        names = _strings([match[2] for match in matches], at, root.document.name)
        found[title] = {match[1]: name for match, name in zip(matches, names, strict=True)}
    return found


def _strings(lines: list[str], at: Int64s, file: str) -> list[str]:
    """Strings of JSON, one in a line; all at once, and one by one where one of them is wrong."""
    found = _json(f"[{','.join(lines)}]")
    if isinstance(found, list) and len(found) == len(lines) and all(type(one) is str for one in found):
        return found
    for line, number in zip(lines, at.tolist(), strict=True):
        if not isinstance(_json(line), str):
            raise _problem(SnapshotCode.ROW, "not a name in quotes", file, number)
    raise _problem(SnapshotCode.ROW, "not names in quotes", file, int(at[0]))


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _requesters(listed: str, known: list[str], file: str, number: int) -> tuple[str, ...]:
    if listed == "-":
        return ()
    parts = listed.split(",", MAX_WHY + 1)
    if len(parts) > MAX_WHY + 1 or any(len(part) > 9 or int(part) >= len(known) for part in parts):
        message = f"requesters are at most {MAX_WHY + 1} numbers below {len(known)}"
        raise _problem(SnapshotCode.ROW, message, file, number)
    return tuple(known[int(part)] for part in parts)


def _rows(table: str, lines: list[str], at: Int64s, dtype: np.dtype[Any], file: str) -> _Read:
    """Lines of numbers as rows of a table."""
    columns = dtype.names or ()
    width = len(columns)
    for line, number in zip(lines, at.tolist(), strict=True):
        if line.count(" ") != width - 1:
            message = f"a row of {table} has {width} numbers, one space between them"
            raise _problem(SnapshotCode.ROW, message, file, number)
    try:
        values = np.array(" ".join(lines).split(" ") if lines else [], np.int64).reshape(-1, width)
    except (ValueError, OverflowError):
        raise _bad_number(table, lines, at, file) from None
    rows = np.zeros(len(lines), dtype)
    read = _Read(table, rows, at, file)
    for number, name in enumerate(columns):
        column = values[:, number]
        low, high = (0, 1) if dtype[name].kind == "b" else _RANGES.get(name, (0, MAX_ID))
        wrong = (column < low) | (column > high)
        read.fail(
            SnapshotCode.ROW,
            wrong,
            lambda row, column=column, name=name, low=low, high=high: (  # type: ignore[misc]
                f"{name} of a row of {table} is {column[row]}, not from {low} to {high}"
            ),
        )
        rows[name] = column
    return read


def _bad_number(table: str, lines: list[str], at: Int64s, file: str) -> InputError:
    """The problem of the first line with something that is no number of 64 bits."""
    for line, number in zip(lines, at.tolist(), strict=True):
        for word in line.split(" "):
            if not re.fullmatch(r"-?[0-9]{1,19}", word) or abs(int(word)) >= 1 << 63:
                message = f"'{word[:40]}' in a row of {table} is no whole number of 64 bits"
                return _problem(SnapshotCode.ROW, message, file, number)
    return _problem(SnapshotCode.ROW, f"a row of {table} is no row of numbers", file, int(at[0]))


def _sorted(read: _Read, by: str) -> _Read:
    """The same rows sorted, each id once."""
    order = np.argsort(read.rows[by], kind="stable")
    found = _Read(read.name, read.rows[order], read.lines[order], read.file)
    again = np.zeros(len(order), bool)
    again[1:] = found.rows[by][1:] == found.rows[by][:-1]
    ids = found.rows[by]
    found.fail(SnapshotCode.TABLE, again, lambda row: f"{by} {ids[row]} of {read.name} is there twice")
    return found


def _check(image: MemoryImage, allocations: _Read, resources: _Read, places: _Read) -> None:
    """Check what rows say of each other."""
    types = len(image.device.memory_types)
    wrong = image.allocations["memory_type"] >= types
    allocations.fail(SnapshotCode.TABLE, wrong, lambda _: f"the device has {types} memory types")
    known = {int(one) for one in Format}
    formats = resources.rows["format"]
    unknown = ~np.isin(formats, np.array(sorted(known | {0}), np.int64))
    resources.fail(SnapshotCode.ROW, unknown, lambda row: f"format {formats[row]} is not known")
    homes = image.resources["allocation"].astype(np.int64)
    absent = ~contains(image.allocations["id"].astype(np.int64), homes)
    resources.fail(SnapshotCode.TABLE, absent, lambda row: f"there is no allocation {homes[row]}")
    room = image.allocations["size"][image.allocation_of] if len(homes) else homes
    outside = image.resources["offset"] + image.resources["size"] > room
    resources.fail(SnapshotCode.TABLE, outside, lambda _: "the resource ends beyond its allocation")
    is_image = image.resources["kind"] == Kind.IMAGE
    resources.fail(
        SnapshotCode.TABLE, is_image & (image.resources["layers"] < 1), lambda _: "an image has layers"
    )
    of = image.places["resource"].astype(np.int64)
    absent = ~contains(image.resources["id"].astype(np.int64), of)
    places.fail(SnapshotCode.TABLE, absent, lambda row: f"there is no resource {of[row]}")
    if len(of):
        mine = image.resources[image.resource_of]
        room = np.where(mine["kind"] == Kind.IMAGE, mine["layers"], mine["bytes"])
        outside = image.places["offset"] + image.places["footprint"] > room
        places.fail(SnapshotCode.TABLE, outside, lambda _: "the place ends beyond its resource")
