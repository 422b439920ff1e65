"""Reads OBJ files: vertices, and the faces, lines and points of each object and material."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.humon import Problem
from engine.obj.codes import ObjCode
from engine.obj.text import Lines, Place

Ints = npt.NDArray[np.int64]
Values = npt.NDArray[Any]
ObjPlace = Place

MAX_CORNERS = 1 << 28
"""Most corners of all faces of a file."""

_WIDTHS = {"v": 3, "vt": 2, "vn": 3}
_DRAWN = {"f": 3, "l": 2, "p": 1}
"""The least number of corners of faces, lines and points."""


@dataclass(slots=True)
class ObjPart:
    """What one object draws with one material: corners of triangles, or else of lines, or else of points.

    `corners` are the numbers of a position, a texture coordinate and a normal, -1 without one, int64[n, 3].
    `topology` is triangles, lines or points. `smooth` is whether normals that are missing are smooth.
    """

    name: str
    material: str
    line: int
    topology: str = "triangles"
    smooth: bool = False
    corners: Ints = field(default_factory=lambda: np.zeros((0, 3), np.int64))


@dataclass(frozen=True, slots=True)
class ObjFile:
    """The parts of a file, and its positions [n, 3], colours [n, 3], coordinates [n, 2] and normals [n, 3].

    Texture coordinates count upwards from the picture's lower edge. `material_files` are names of MTL files.
    """

    lines: Lines
    positions: Values
    colors: Values | None
    coordinates: Values
    normals: Values
    parts: tuple[ObjPart, ...]
    material_files: tuple[tuple[str, int], ...]

    @property
    def warnings(self) -> list[Problem]:
        """What was left out."""
        return self.lines.warnings


def read_obj(content: bytes, name: str) -> ObjFile:
    """Read an OBJ file. Raises InputError: `obj.*`."""
    lines = Lines(content, name)
    rows = _by_keyword(lines)
    columns = {key: _numbers(lines, rows.get(key, []), width) for key, width in _WIDTHS.items()}
    positions = columns["v"]
    if not len(positions):
        raise lines.failure(ObjCode.EMPTY, "the file has no vertices", 1)
    colors = positions[:, 3:6] if positions.shape[1] == 6 else None
    counts = len(columns["v"]), len(columns["vt"]), len(columns["vn"])
    groups, files = _groups(lines)
    parts = [_part(lines, group, counts) for group in groups]
    drawn = tuple(part for part in parts if len(part.corners))
    if not drawn:
        raise lines.failure(ObjCode.EMPTY, "the file has no faces, lines or points", 1)
    return ObjFile(lines, positions[:, :3], colors, columns["vt"][:, :2], columns["vn"][:, :3], drawn, files)


@dataclass(slots=True)
class _Group:
    """The lines of faces, lines or points of one part, with how many vertices came before each."""

    part: ObjPart
    texts: list[str] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    before: list[tuple[int, int, int]] = field(default_factory=list)


def _by_keyword(lines: Lines) -> Mapping[str, list[tuple[int, str]]]:
    """Return the lines of vertices, coordinates and normals, with their numbers, by their first word."""
    found: dict[str, list[tuple[int, str]]] = {key: [] for key in _WIDTHS}
    for number, line in enumerate(lines.lines, 1):
        key, _, rest = line.lstrip().partition(" ")
        if key in found:
            found[key].append((number, rest))
    return found


def _numbers(lines: Lines, rows: Sequence[tuple[int, str]], width: int) -> Values:
    """Return the numbers of lines as float64[n, width or more]; of lines of several lengths, the first."""
    if not rows:
        return np.zeros((0, width))
    try:
        split = [text.split() for _, text in rows]
        columns = min(map(len, split))
        if columns < width and not (width == 2 and columns == 1):
            raise ValueError
        keep = 6 if width == 3 and columns >= 6 else width
        values = np.array([row[:keep] if len(row) >= keep else [*row, "0"] for row in split], np.float64)
    except ValueError:
        raise _wrong_number(lines, rows, width) from None
    if not np.isfinite(values).all():
        row = int(np.flatnonzero(~np.isfinite(values).all(axis=1))[0])
        raise lines.failure(ObjCode.NUMBER, "a number is not finite", rows[row][0])
    return values


def _wrong_number(lines: Lines, rows: Sequence[tuple[int, str]], width: int) -> Exception:
    for number, text in rows:
        words = text.split()
        try:
            values = [float(word) for word in words[:width]]
        except ValueError:
            return lines.failure(ObjCode.NUMBER, f"'{text[:40]}' has something else than numbers", number)
        if len(values) < width and not (width == 2 and values):
            return lines.failure(ObjCode.NUMBER, f"there are {len(values)} numbers of {width}", number)
    raise AssertionError("a line was wrong before")


def _groups(lines: Lines) -> tuple[list[_Group], tuple[tuple[str, int], ...]]:
    """Collect the lines that draw by object, material and topology; and the names of material files."""
    groups: dict[tuple[str, str, str, bool], _Group] = {}
    files: list[tuple[str, int]] = []
    name, material, smooth = "", "", False
    counts = dict.fromkeys(_WIDTHS, 0)
    texts, at = lines.lines, 0
    while at < len(texts):
        start = at
        line = texts[at].strip()
        while line.endswith("\\") and at + 1 < len(texts):
            at += 1
            line = f"{line[:-1]} {texts[at].strip()}"
        at += 1
        key, _, rest = line.partition(" ")
        rest = rest.partition("#")[0].strip() if key in _DRAWN else rest.strip()
        if key in counts:
            counts[key] += 1
        elif key in _DRAWN:
            kind = (name, material, key, smooth)
            if kind not in groups:
                topology = {"f": "triangles", "l": "lines", "p": "points"}[key]
                groups[kind] = _Group(ObjPart(name, material, start + 1, topology, smooth))
            group = groups[kind]
            group.texts.append(rest)
            group.numbers.append(start + 1)
            group.before.append((counts["v"], counts["vt"], counts["vn"]))
        elif key in ("o", "g"):
            name = rest
        elif key == "usemtl":
            material = rest
        elif key == "s":
            smooth = rest not in ("off", "0", "")
        elif key == "mtllib":
            files.append((rest, start + 1))
    return list(groups.values()), tuple(files)


def _part(lines: Lines, group: _Group, counts: tuple[int, int, int]) -> ObjPart:
    """Return a part, its corners those of triangles, lines or points."""
    part = group.part
    least = {"triangles": 3, "lines": 2, "points": 1}[part.topology]
    words = [text.split() for text in group.texts]
    lengths = np.array([len(row) for row in words])
    if lengths.sum() > MAX_CORNERS:
        raise lines.failure(ObjCode.LIMIT, f"there are more than {MAX_CORNERS} corners", part.line)
    short = np.flatnonzero(lengths < least)
    if len(short):
        message = f"there are {lengths[short[0]]} corners; at least {least} are needed"
        raise lines.failure(ObjCode.FACE, message, group.numbers[int(short[0])])
    numbers = _corner_numbers(lines, group, [word for row in words for word in row], lengths)
    row_of = np.repeat(np.arange(len(words)), lengths)
    before = np.array(group.before, np.int64)[row_of]
    resolved = np.where(numbers > 0, numbers - 1, np.where(numbers < 0, before + numbers, -1))
    wrong = (resolved >= np.array(counts)) | ((resolved < 0) & (numbers != 0)) | (resolved[:, :1] < 0)
    if wrong.any():
        corner = int(np.flatnonzero(wrong.any(axis=1))[0])
        column = int(np.flatnonzero(wrong[corner])[0])
        what = ("vertices", "texture coordinates", "normals")[column]
        message = f"number {numbers[corner, column]} is none of {counts[column]} {what}"
        raise lines.failure(ObjCode.INDEX, message, group.numbers[int(row_of[corner])])
    part.corners = resolved[_listed(part.topology, lengths)]
    return part


def _corner_numbers(lines: Lines, group: _Group, words: list[str], lengths: Ints) -> Ints:
    """Return the numbers of corners such as `1/2/3`, `1//3`, `1/2` or `1`: int64[n, 3], 0 for none."""
    slashes = words[0].count("/")
    plain = all(word.count("/") == slashes for word in words) and not any("//" in word for word in words)
    numbers = np.zeros((len(words), 3), np.int64)
    try:
        if plain and slashes < 3:
            flat = np.array(" ".join(words).replace("/", " ").split(), np.int64)
            numbers[:, : slashes + 1] = flat.reshape(len(words), slashes + 1)
            return numbers
        for row, word in enumerate(words):
            for column, text in enumerate(word.split("/")[:3]):
                numbers[row, column] = int(text) if text else 0
    except (ValueError, OverflowError):
        pass
    else:
        return numbers
    row_of = np.repeat(np.arange(len(lengths)), lengths)
    for row, word in enumerate(words):
        parts = word.split("/")
        if (
            not all(part.lstrip("-").isdigit() or not part for part in parts)
            or not parts[0]
            or len(word) > 60
        ):
            message = f"'{word[:40]}' is no corner: write vertex, vertex/texture or vertex/texture/normal"
            raise lines.failure(ObjCode.FACE, message, group.numbers[int(row_of[row])])
    raise lines.failure(ObjCode.FACE, "a corner has a number that is too large", group.part.line)


def _listed(topology: str, lengths: Ints) -> Ints:
    """Return, for faces, lines or points of so many corners, the corners of each triangle, line or point.

    A polygon is a fan around its first corner, a line of several corners a strip.
    """
    starts = np.cumsum(lengths) - lengths
    if topology == "points":
        return np.arange(int(lengths.sum()))
    steps = lengths - (2 if topology == "triangles" else 1)
    owner = np.repeat(np.arange(len(lengths)), steps)
    inner = np.arange(int(steps.sum())) - np.repeat(np.cumsum(steps) - steps, steps)
    first = starts[owner]
    if topology == "lines":
        return np.stack([first + inner, first + inner + 1], axis=1).reshape(-1)
    return np.stack([first, first + inner + 1, first + inner + 2], axis=1).reshape(-1)
