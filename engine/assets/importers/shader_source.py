"""GLSL text with its includes expanded, and the file and line that each expanded line is from."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from engine.assets.codes import AssetCode
from engine.assets.files import FileGate, FileRejectedError, Stamp
from engine.assets.limits import MAX_INCLUDES, MAX_SHADER_BYTES
from engine.assets.roots import display_path
from engine.humon import InputError, Position, Problem, excerpt_of

_LINE_END = re.compile(r"\r\n|\n|\r")
_INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]*)"')


@dataclass(slots=True)
class ShaderSource:
    """Expanded lines; `origins` has the (index into `files`, line) of each of them."""

    lines: list[str] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    contents: list[bytes] = field(default_factory=list)
    stamps: list[Stamp] = field(default_factory=list)
    origins: list[tuple[int, int]] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The expanded text for the compiler."""
        return "\n".join(self.lines) + "\n"

    def problem(self, code: str, message: str, line: int, token: str = "", help: str = "") -> Problem:
        """Return a problem at `line` of the expanded text, with the position in its own file."""
        if not self.origins:
            return Problem(code, message, Position(display_path(self.files[0])), help=help)
        row = min(max(line, 1), len(self.origins)) - 1
        which, own_line = self.origins[row]
        source_line = self.lines[row]
        found = re.search(rf"\b{re.escape(token)}\b", source_line) if token else None
        offset = found.start() if found else len(source_line) - len(source_line.lstrip())
        position = Position(display_path(self.files[which]), own_line, offset + 1)
        return Problem(code, message, position, excerpt_of(source_line, offset), help)


def expand(path: Path, gate: FileGate) -> ShaderSource:
    """Read a GLSL file and expand every `#include "file"`; a file named twice is included twice.

    Raises InputError if a file is missing, rejected, not UTF-8, or includes itself.
    """
    source = ShaderSource()
    _expand_into(source, path, gate, ())
    return source


def _expand_into(source: ShaderSource, path: Path, gate: FileGate, above: tuple[Path, ...]) -> None:
    name = display_path(path)
    try:
        content, stamp = gate.read(path, MAX_SHADER_BYTES)
    except FileRejectedError as error:
        raise InputError(Problem(error.code, error.reason, Position(name), help=error.help)) from error
    which = len(source.files)
    source.files.append(path)
    source.contents.append(content)
    source.stamps.append(stamp)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        message = f"byte {error.start} is not UTF-8"
        raise InputError(Problem(AssetCode.SHADER_ENCODING, message, Position(name, row, 1))) from error
    for number, line in enumerate(_LINE_END.split(text), start=1):
        include = _INCLUDE.match(line)
        if include is None:
            source.lines.append(line)
            source.origins.append((which, number))
            continue
        position = Position(name, number, include.start(1) + 1)
        excerpt = excerpt_of(line, include.start(1))
        try:
            included = gate.resolve(include[1], path.parent)
            gate.stamp(included)
        except FileRejectedError as error:
            raise InputError(Problem(error.code, error.reason, position, excerpt, error.help)) from error
        chain = (*above, path)
        if included in chain:
            cycle = " -> ".join(display_path(file) for file in (*chain[chain.index(included) :], included))
            raise InputError(
                Problem(AssetCode.SHADER_INCLUDE, f"files include each other: {cycle}", position, excerpt)
            )
        if len(source.files) > MAX_INCLUDES or sum(map(len, source.contents)) > MAX_SHADER_BYTES:
            message = f"more than {MAX_INCLUDES} files or {MAX_SHADER_BYTES} bytes are included"
            raise InputError(Problem(AssetCode.SHADER_INCLUDE, message, position, excerpt))
        _expand_into(source, included, gate, chain)
