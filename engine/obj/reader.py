"""Reads OBJ files: vertices, and the faces, lines and points of each object and material."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.humon import InputError, Problem
from engine.obj.codes import ObjCode
from engine.obj.polygons import MOST_CORNERS, triangulated
from engine.obj.text import MAX_WARNINGS, Lines, Place, WordError, decimal

Ints = npt.NDArray[np.int64]
Values = npt.NDArray[Any]
ObjPlace = Place

MAX_CORNERS = 1 << 28
"""Most corners of all faces of a file."""

_WIDTHS = {"v": 3, "vt": 2, "vn": 3}
_DRAWN = ("f", "l", "p")
_TOPOLOGIES = {"f": "triangles", "l": "lines", "p": "points"}
_LEAST = {"triangles": 3, "lines": 2, "points": 1}
"""The least number of corners of faces, lines and points."""

_CORNER = re.compile(r"(-?[0-9]{1,18})(?:/(-?[0-9]{1,18})?(?:/(-?[0-9]{1,18})?)?)?")
_ABSENT = np.iinfo(np.int64).min
_LARGEST = 1e12
"""Largest number, as positions in metres have it: its square and its cube fit into 32 bits."""


@dataclass(slots=True)
class ObjPart:
    """What one object draws with one material: corners of triangles, or else of lines, or else of points.

    `corners` are the numbers of a position, a texture coordinate and a normal, -1 without one, int64[n, 3].
    `topology` is triangles, lines or points. `smooth` is whether normals that are missing are smooth. `fault`
    is what is wrong with the first line that was left out of it, None where it is whole.
    """

    name: str
    material: str
    line: int
    topology: str = "triangles"
    smooth: bool = False
    corners: Ints = field(default_factory=lambda: np.zeros((0, 3), np.int64))
    fault: Problem | None = None


@dataclass(frozen=True, slots=True)
class ObjFile:
    """The parts of a file, and its positions [n, 3], colours [n, 3], coordinates [n, 2] and normals [n, 3].

    Texture coordinates count upwards from the picture's lower edge. `material_files` are names of MTL files.
    `lost` are the parts of which all was left out.
    """

    lines: Lines
    positions: Values
    colors: Values | None
    coordinates: Values
    normals: Values
    parts: tuple[ObjPart, ...]
    material_files: tuple[tuple[str, int], ...]
    lost: tuple[ObjPart, ...] = ()

    @property
    def warnings(self) -> list[Problem]:
        """What was left out."""
        return self.lines.warnings


def read_obj(content: bytes, name: str) -> ObjFile:
    """Read an OBJ file. What is wrong costs the faces, lines or points with it, and is a warning.

    Raises InputError: `obj.encoding`, `obj.limit`, `obj.empty` where nothing is left.
    """
    lines = Lines(content, name)
    rows, groups, files = _collected(lines)
    columns = {key: _numbers(lines, rows[key], width) for key, width in _WIDTHS.items()}
    positions = columns["v"].values
    if not len(positions):
        raise lines.failure(
            ObjCode.EMPTY, "the file has no vertices", 1, "export the model again, with its vertices (`v`)"
        )
    colors = positions[:, 3:6] if positions.shape[1] == 6 else None
    parts = [_part(lines, group, list(columns.values())) for group in groups]
    drawn = tuple(part for part in parts if len(part.corners))
    if not drawn:
        empty = lines.problem(
            ObjCode.EMPTY,
            "nothing of the file can be drawn",
            Place(lines, 1),
            "export the model again, with its faces (`f`)",
        )
        raise InputError([empty, *lines.warnings])
    coordinates, normals = columns["vt"].values[:, :2], columns["vn"].values[:, :3]
    lost = tuple(part for part in parts if not len(part.corners))
    return ObjFile(lines, positions[:, :3], colors, coordinates, normals, drawn, files, lost)


@dataclass(slots=True)
class _Group:
    """The lines of faces, lines or points of one part, with how many vertices came before each."""

    part: ObjPart
    texts: list[str] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    before: list[tuple[int, int, int]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Column:
    """Vertices, coordinates or normals, float64[n, width or more], and which of them are no numbers."""

    values: Values
    wrong: npt.NDArray[np.bool_]


_Rows = list[tuple[int, str]]
_Files = tuple[tuple[str, int], ...]


def _collected(lines: Lines) -> tuple[dict[str, _Rows], list[_Group], _Files]:
    """Return the lines of vertices by their first word, those that draw by part, and material files."""
    rows: dict[str, _Rows] = {key: [] for key in _WIDTHS}
    groups: dict[tuple[str, str, str, bool], _Group] = {}
    files: list[tuple[str, int]] = []
    name, material, smooth = "", "", False
    for number, key, rest in lines.statements():
        if key in rows:
            rows[key].append((number, rest.partition("#")[0]))
        elif key in _DRAWN:
            kind = (name, material, key, smooth)
            if kind not in groups:
                groups[kind] = _Group(ObjPart(name, material, number, _TOPOLOGIES[key], smooth))
            group = groups[kind]
            group.texts.append(rest.partition("#")[0])
            group.numbers.append(number)
            group.before.append((len(rows["v"]), len(rows["vt"]), len(rows["vn"])))
        elif key in ("o", "g"):
            name = rest
        elif key == "usemtl":
            material = rest
        elif key == "s":
            smooth = rest.partition("#")[0].strip() not in ("off", "0", "")
        elif key == "mtllib":
            files.append((rest, number))
    return rows, list(groups.values()), tuple(files)


def _numbers(lines: Lines, rows: _Rows, width: int) -> _Column:
    """Return the numbers of lines; of lines of several lengths, the first that all have."""
    if not rows:
        return _Column(np.zeros((0, width)), np.zeros(0, np.bool_))
    split = [text.split() for _, text in rows]
    columns = min(map(len, split))
    keep = 6 if width == 3 and columns >= 6 else width
    try:
        values = np.array(
            [row[:keep] if len(row) >= keep else _filled(row, width) for row in split], np.float64
        )
        written = "".join(text for _, text in rows)
        if (np.abs(values) <= _LARGEST).all() and written.isascii() and "_" not in written:
            return _Column(values, np.zeros(len(rows), np.bool_))
    except ValueError:
        pass
    values, wrong = np.zeros((len(rows), keep)), np.zeros(len(rows), np.bool_)
    for at, (number, _) in enumerate(rows):
        try:
            row = split[at][:keep] if len(split[at]) >= keep else _filled(split[at], width)
            values[at] = [decimal(word, 1 + place, _LARGEST) for place, word in enumerate(row)]
        except WordError as error:
            wrong[at] = True
            message = f"{error}; what is drawn with it is left out"
            lines.warn(ObjCode.NUMBER, message, number, word=error.word)
    return _Column(values, wrong)


def _filled(words: list[str], width: int) -> list[str]:
    """Return the words of a line that has too few; coordinates may have one. Raises WordError."""
    if width == 2 and len(words) == 1:
        return [*words, "0"]
    raise WordError(f"there are {len(words)} numbers of {width}")


def _part(lines: Lines, group: _Group, columns: Sequence[_Column]) -> ObjPart:
    """Return a part, its corners those of triangles, lines or points; wrong ones are left out."""
    part = group.part
    least = _LEAST[part.topology]
    words = [text.split() for text in group.texts]
    lengths = np.array([len(row) for row in words])
    if lengths.sum() > MAX_CORNERS:
        raise lines.failure(
            ObjCode.LIMIT,
            f"there are more than {MAX_CORNERS} corners",
            part.line,
            "divide the model into several files",
        )
    numbers, no_corner = _corner_numbers([word for row in words for word in row])
    row_of = np.repeat(np.arange(len(words)), lengths)
    before = np.array(group.before, np.int64)[row_of]
    resolved = np.where(numbers > 0, numbers - 1, before + numbers)
    resolved[numbers == _ABSENT] = -1
    outside = (resolved >= np.array([len(column.values) for column in columns])) | (numbers == 0)
    outside |= (resolved < 0) & (numbers != _ABSENT)
    broken = np.zeros(len(numbers), np.bool_)
    for at, column in enumerate(columns):
        if column.wrong.any():
            used = ~outside[:, at] & (resolved[:, at] >= 0)
            broken[used] |= column.wrong[resolved[used, at]]
    short = lengths < least
    left_out = short.copy()
    np.logical_or.at(left_out, row_of, no_corner | outside.any(axis=1) | broken)
    for row in np.flatnonzero(left_out)[: max(1, MAX_WARNINGS - len(lines.warnings))].tolist():
        corners = np.flatnonzero(row_of == row)
        code, message, word = _fault(words[row], corners, numbers, no_corner, outside, columns, least)
        if message:
            lines.warn(code, f"{message}; it is left out", group.numbers[row], word=word)
        if part.fault is None:
            place = Place(lines, group.numbers[row], word)
            part.fault = lines.problem(code, message or "a corner of it is no place", place)
    kept = ~left_out[row_of]
    corners, lengths = resolved[kept], lengths[~left_out]
    if part.topology == "triangles":
        listed, uncut = triangulated(lengths, columns[0].values[corners[:, 0], :3])
        if len(uncut):
            message = (
                f"{len(uncut)} concave polygons are drawn as fans around their first corner: they cross "
                f"themselves, have more than {MOST_CORNERS} corners, or are too many"
            )
            number = np.array(group.numbers)[~left_out][uncut[0]]
            lines.warn(ObjCode.FACE, message, int(number), "export the model with triangles")
        part.corners = corners[listed.reshape(-1)]
    else:
        part.corners = corners[_listed(part.topology, lengths)]
    return part


def _fault(
    words: list[str],
    corners: Ints,
    numbers: Ints,
    no_corner: npt.NDArray[np.bool_],
    outside: npt.NDArray[np.bool_],
    columns: Sequence[_Column],
    least: int,
) -> tuple[ObjCode, str, int]:
    """Return what is wrong with a line that draws, and with which word.

    There is no text where only its vertices are wrong, which is noted.
    """
    if len(words) < least:
        return ObjCode.FACE, f"there are {len(words)} corners; at least {least} are needed", 0
    for at, (word, corner) in enumerate(zip(words, corners.tolist(), strict=True), 1):
        if no_corner[corner]:
            form = "write vertex, vertex/texture or vertex/texture/normal"
            return ObjCode.FACE, f"'{word[:40]}' is no corner: {form}", at
        for column in np.flatnonzero(outside[corner]).tolist():
            what = ("vertices", "texture coordinates", "normals")[column]
            count = len(columns[column].values)
            return ObjCode.INDEX, f"number {numbers[corner, column]} is none of {count} {what}", at
    return ObjCode.NUMBER, "", 0


def _corner_numbers(words: list[str]) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """Return the numbers of corners such as `1/2/3`, `1//3`, `1/2` or `1`, and which words are none.

    The numbers are int64[n, 3], _ABSENT where there is none.
    """
    numbers = np.full((len(words), 3), _ABSENT, np.int64)
    wrong = np.zeros(len(words), np.bool_)
    slashes = words[0].count("/") if words else 0
    text = " ".join(words)
    plain = "//" not in text and "_" not in text and text.isascii()  # numpy reads 1_0 as 10
    if plain and slashes < 3 and all(word.count("/") == slashes for word in words):
        try:
            flat = np.array(text.replace("/", " ").split(), np.int64)
            numbers[:, : slashes + 1] = flat.reshape(len(words), slashes + 1)
        except (ValueError, OverflowError):
            numbers[:] = _ABSENT
        else:
            return numbers, wrong
    for row, word in enumerate(words):
        found = _CORNER.fullmatch(word)
        if found is None:
            wrong[row] = True
        else:
            numbers[row] = [int(text) if text else _ABSENT for text in found.groups()]
    return numbers, wrong


def _listed(topology: str, lengths: Ints) -> Ints:
    """Return, for lines or points of so many corners, the corners of each line or point.

    A line of several corners is a strip.
    """
    if topology == "points":
        return np.arange(int(lengths.sum()))
    starts, steps = np.cumsum(lengths) - lengths, lengths - 1
    owner = np.repeat(np.arange(len(lengths)), steps)
    first = starts[owner] + np.arange(int(steps.sum())) - np.repeat(np.cumsum(steps) - steps, steps)
    return np.stack([first, first + 1], axis=1).reshape(-1)
