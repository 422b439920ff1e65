"""GLSL text with its includes expanded, and the file and line that each expanded line is from.

The compiler gets text without comments and without a single include, so that it opens no file: includes are
found as a preprocessor finds them, and read through the gate. One that cannot be read is an error where it
is compiled for certain. Where that is for the compiler to decide, an `#error` takes its place, and what the
compiler then says of that line is the include's own error.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from engine.assets.codes import AssetCode
from engine.assets.files import FileGate, FileRejectedError, Stamp
from engine.assets.importers.glsl_conditions import Answer, Conditions
from engine.assets.importers.glsl_lines import (
    LogicalLine,
    OpenCommentError,
    logical_lines,
    physical_lines,
)
from engine.assets.limits import MAX_CONDITION_DEPTH, MAX_INCLUDE_DEPTH, MAX_INCLUDES, MAX_SHADER_BYTES
from engine.assets.roots import display_path
from engine.humon import InputError, Position, Problem, excerpt_of

_FILE = re.compile(r'"([^"]*)"|<([^>]*)>')
_EXTENSION = re.compile(
    r"GL_(GOOGLE_include_directive|GOOGLE_cpp_style_line_directive|ARB_shading_language_include)\b"
)
_LEFT_OVER = re.compile(r"[^\x21-\x7e]*#[^\x21-\x7e]*include\b")


@dataclass
class ShaderSource:
    """Expanded lines; `origins` has the (index into `files`, line) of each of them.

    `files` are paths without links; `named` has them by the paths by which they are included, which may be
    links, the first one first. `texts` has the lines of each file. `deferred` has the problems of includes
    that the compiler may find to be dead, by the row in `lines` that holds an `#error` in their place.
    `unread` are where files would be that are included and cannot be read.
    """

    lines: list[str] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    contents: list[bytes] = field(default_factory=list)
    stamps: list[Stamp] = field(default_factory=list)
    named: dict[Path, int] = field(default_factory=dict)
    origins: list[tuple[int, int]] = field(default_factory=list)
    texts: list[list[str]] = field(default_factory=list)
    deferred: dict[int, Problem] = field(default_factory=dict)
    unread: set[Path] = field(default_factory=set)

    @property
    def text(self) -> str:
        """The expanded text for the compiler."""
        return "\n".join(self.lines) + "\n"

    @property
    def start(self) -> Position:
        """Where it begins, for problems of the whole: a module that is no text has no lines."""
        if not self.origins:
            return Position(display_path(self.files[0]))
        which, line = self.origins[0]
        return Position(display_path(self.files[which]), line, 1 + _margin(self.texts[which][line - 1]))

    def line_of(self, names: Sequence[str]) -> tuple[int, str]:
        """Return the first line of the expanded text that has the first of some words that is there, and it.

        The first line, and an empty text, where none is.
        """
        for name in filter(None, names):
            word = re.compile(rf"\b{re.escape(name)}\b")
            for row, line in enumerate(self.lines, 1):
                if word.search(line):
                    return row, name
        return 1, ""

    def problem(self, code: str, message: str, line: int, token: str = "", help: str = "") -> Problem:
        """Return a problem at `line` of the expanded text, with the position in its own file."""
        if not self.origins:
            return Problem(code, message, self.start, help=help)
        which, own_line = self.origins[min(max(line, 1), len(self.origins)) - 1]
        source_line = self.texts[which][own_line - 1]
        found = re.search(rf"\b{re.escape(token)}\b", source_line) if token else None
        offset = found.start() if found else _margin(source_line)
        return self.problem_at(code, message, which, own_line, offset, help)

    def problem_at(
        self, code: str, message: str, which: int, line: int, offset: int, help: str = ""
    ) -> Problem:
        """Return a problem at a line and an offset in it of one of the files."""
        position = Position(display_path(self.files[which]), line, offset + 1)
        return Problem(code, message, position, excerpt_of(self.texts[which][line - 1], offset), help)


def expand(path: Path, gate: FileGate, source: ShaderSource | None = None) -> ShaderSource:
    """Read a GLSL file and expand its includes, as the conditions around them and `#pragma once` have it.

    An empty `source` gets all that was read, also where that cannot be expanded. Raises InputError if a file
    is missing, rejected, not UTF-8, or if files include each other.
    """
    expansion = _Expansion(gate, ShaderSource() if source is None else source)
    expansion.add_main(path)
    return expansion.source


class _File(NamedTuple):
    """One file: its index in the source, its logical lines, and whether it is included once only."""

    which: int
    lines: list[LogicalLine]
    once: bool


class _Site(NamedTuple):
    """The place of an include: index of its file, line, offset in the line."""

    which: int
    line: int
    offset: int


class _UnusableError(Exception):
    """An include that cannot be expanded, as the problem that says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class _Expansion:
    """Expands one source."""

    def __init__(self, gate: FileGate, source: ShaderSource) -> None:
        self.source = source
        self._gate = gate
        self._files: dict[Path, _File] = {}
        self._conditions = Conditions()
        self._chain: list[Path] = []
        self._included = 0
        self._bytes = 0

    def add_main(self, path: Path) -> None:
        """Expand the file that is compiled."""
        try:
            file = self._read(path, None)
        except _UnusableError as error:
            raise InputError(error.problem) from error
        if file.once:
            self._conditions.directive("define", _once_name(file))
        self._add_lines(path, file)

    def _add_lines(self, path: Path, file: _File) -> None:
        self._chain.append(path)
        for line in file.lines:
            directive = line.directive
            if directive is None:
                self._add_pieces(file, line)
                continue
            name, text = directive
            if name == "include":
                self._include(path, file, line, text)
                continue
            is_dropped = (
                name == "line"
                or (name == "extension" and _EXTENSION.match(text))
                or (name == "pragma" and text.split() == ["once"])
            )
            self._add(file, line.pieces[0][0], "" if is_dropped else f"#{name} {text}")
            self._add_blank(file, line, 1)
            self._conditions.directive(name, text)
            if self._conditions.depth > MAX_CONDITION_DEPTH:
                message = f"more than {MAX_CONDITION_DEPTH} conditions are open"
                problem = self.source.problem(
                    AssetCode.SHADER_COMPILE,
                    message,
                    len(self.source.lines),
                    help="close them with #endif, or divide the file",
                )
                raise InputError(problem)
        self._chain.pop()

    def _add_pieces(self, file: _File, line: LogicalLine) -> None:
        """Add a line that is no directive; a piece that looks like one stays behind the pieces before it."""
        whole = any(text.lstrip().startswith("#") for _, text in line.pieces)
        pieces = [(line.pieces[0][0], line.text)] if whole else line.pieces
        for number, text in pieces:
            self._add(file, number, text.rstrip())
        self._add_blank(file, line, len(pieces))

    def _add_blank(self, file: _File, line: LogicalLine, given: int) -> None:
        """Add empty lines, so that `__LINE__` is right in a source without includes."""
        last = line.pieces[-1][0]
        for _ in range(line.count - given):
            self._add(file, last, "")

    def _add(self, file: _File, number: int, text: str) -> None:
        self.source.lines.append(text)
        self.source.origins.append((file.which, number))
        if _LEFT_OVER.match(text):
            message = "an include behind characters that only the compiler might pass over"
            raise InputError(
                self.source.problem(
                    AssetCode.SHADER_INCLUDE,
                    message,
                    len(self.source.lines),
                    help="write #include at the beginning of a line",
                )
            )

    def _include(self, path: Path, file: _File, line: LogicalLine, text: str) -> None:
        live = self._conditions.live
        number = line.pieces[0][0]
        try:
            site = self._site(file, line, text)
            if live is Answer.NO:
                raise self._unusable(
                    AssetCode.SHADER_INCLUDE,
                    "the compiler takes this include for live, which its conditions do not show",
                    site,
                    "write the conditions around it with plain macros and numbers",
                )
            found = _FILE.fullmatch(text)
            if found is None:
                raise self._unusable(
                    AssetCode.SHADER_INCLUDE,
                    "an include names its file between quotes, and nothing follows",
                    site,
                    'write #include "file.glsl": macros are not expanded in it',
                )
            included, target = self._target(found[1] or found[2] or "", path, site)
        except _UnusableError as error:
            if live is Answer.YES:
                raise InputError(error.problem) from error
            self.source.deferred[len(self.source.lines)] = error.problem
            self._add(file, number, "#error this include cannot be used")
            self._add_blank(file, line, 1)
            return
        self._add_blank(file, line, 0)
        self._add_included(file, number, included, target)

    def _add_included(self, file: _File, number: int, path: Path, included: _File) -> None:
        if not included.once:
            self._add_lines(path, included)
            return
        name = _once_name(included)
        if self._conditions.defined(name) is Answer.YES:
            return
        for directive in ("ifndef", "define"):
            self._add(file, number, f"#{directive} {name}")
            self._conditions.directive(directive, name)
        self._add_lines(path, included)
        self._add(file, number, "#endif")
        self._conditions.directive("endif", "")

    def _target(self, name: str, path: Path, site: _Site) -> tuple[Path, _File]:
        """Return the included file. Raises _UnusableError."""
        self._included += 1
        if self._included > MAX_INCLUDES:
            message = f"more than {MAX_INCLUDES} files are included"
            raise self._unusable(AssetCode.SHADER_INCLUDE, message, site)
        try:
            included = self._gate.resolve(name, path.parent)
            self._gate.stamp(included)
            named = self._gate.named(name, path.parent, included)
        except FileRejectedError as error:
            self.source.unread |= self._gate.places(name, path.parent)
            raise self._unusable(error.code, error.reason, site, error.help) from error
        if len(self._chain) > MAX_INCLUDE_DEPTH:
            message = f"includes nest deeper than {MAX_INCLUDE_DEPTH} files"
            if included in self._chain:
                last = len(self._chain) - 1 - self._chain[::-1].index(included)
                files = self._chain[last:]
                first = files.index(min(files, key=self._chain.index))
                ring = (*files[first:], *files[: first + 1])
                cycle = " -> ".join(display_path(file) for file in ring)
                message = f"files include each other: {cycle}"
            advice = "guard each file with #ifndef, or with #pragma once"
            raise self._unusable(AssetCode.SHADER_INCLUDE, message, site, advice)
        file = self._read(included, site)
        self.source.named.setdefault(named, file.which)
        self._bytes += len(self.source.contents[file.which])
        if self._bytes > MAX_SHADER_BYTES:
            message = f"more than {MAX_SHADER_BYTES} bytes are included"
            raise self._unusable(AssetCode.SHADER_INCLUDE, message, site)
        return included, file

    def _read(self, path: Path, site: _Site | None) -> _File:
        """Return a file, which is read once. Raises _UnusableError."""
        known = self._files.get(path)
        if known is not None:
            return known
        source, name = self.source, display_path(path)
        try:
            content, stamp = self._gate.read(path, MAX_SHADER_BYTES)
        except FileRejectedError as error:
            if site is not None:
                raise self._unusable(error.code, error.reason, site, error.help) from error
            raise _UnusableError(
                Problem(error.code, error.reason, Position(name), help=error.help)
            ) from error
        which = len(source.files)
        if site is None:
            source.named[path] = which
        source.files.append(path)
        source.contents.append(content)
        source.stamps.append(stamp)
        source.texts.append([])
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            row = content.count(b"\n", 0, error.start) + 1
            message = f"byte {error.start} is not UTF-8"
            position = Position(name, row, 1)
            raise _UnusableError(
                Problem(AssetCode.SHADER_ENCODING, message, position, help="save the file as UTF-8")
            ) from error
        source.texts[which] = physical_lines(text)
        try:
            lines = list(logical_lines(text))
        except OpenCommentError as error:
            offset = source.texts[which][error.line - 1].find("/*")
            message = "the comment that begins here does not end"
            problem = source.problem_at(AssetCode.SHADER_COMPILE, message, which, error.line, max(offset, 0))
            raise _UnusableError(problem) from error
        file = self._files[path] = _File(which, lines, _is_once(lines))
        return file

    def _site(self, file: _File, line: LogicalLine, text: str) -> _Site:
        """Return the place of what an include names, or of the include where that is not in one line."""
        number = line.pieces[0][0]
        rows = self.source.texts[file.which][number - 1 : number - 1 + line.count]
        named = text[: text.find(">" if text.startswith("<") else '"', 1)] if text[:1] in ("<", '"') else ""
        for wanted in (named, "include", "#"):
            for row, own in enumerate(rows):
                at = own.find(wanted) if wanted else -1
                if at >= 0:
                    return _Site(file.which, number + row, at + bool(wanted == named))
        return _Site(file.which, number, 0)

    def _unusable(self, code: str, message: str, site: _Site, help: str = "") -> _UnusableError:
        return _UnusableError(self.source.problem_at(code, message, *site, help))


def _margin(line: str) -> int:
    return len(line) - len(line.lstrip())


def _is_once(lines: list[LogicalLine]) -> bool:
    """Whether `#pragma once` stands outside all conditions of a file."""
    depth = 0
    for line in lines:
        name, text = line.directive or ("", "")
        depth += name in ("if", "ifdef", "ifndef")
        depth -= name == "endif"
        if name == "pragma" and text.split() == ["once"] and depth == 0:
            return True
    return False


def _once_name(file: _File) -> str:
    return f"DIORAMA_ONCE_{file.which}"
