"""Problems with user input: code, message and position, and the exception that carries them."""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar

from engine.files import printable
from engine.humon.limits import MAX_EXCERPT_CHARS

TAB_COLUMNS = 4
_PLACE = re.compile(r":[0-9]+:[0-9]+|, byte [0-9]+(?=\))")
"""Line and column in a message, or the byte behind a JSON pointer."""
T = TypeVar("T")


class Severity(StrEnum):
    """Severity of a problem: an error rejects the input, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A position in a text file: 1-based line and column, a tab counts 4; line 0 means the whole file."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem with user input, with a stable code and, if known, a hint how to fix it (`help`).

    `excerpt` is the source line and, on the line below, a caret under the column (see `excerpt_of`).
    """

    code: str
    message: str
    position: Position | None = None
    excerpt: str = ""
    help: str = ""
    severity: Severity = Severity.ERROR

    def render(self) -> str:
        """Return the block that is printed on stderr, without a line break at its end."""
        place = f"{printable(str(self.position), lines=False)}: " if self.position is not None else ""
        lines = [f"{place}{self.severity}[{self.code}]: {printable(self.message)}"]
        lines += [f"    {line}" for line in printable(self.excerpt).splitlines()]
        if self.help:
            lines.append(f"help: {printable(self.help)}")
        return "\n".join(lines)

    @property
    def identity(self) -> tuple[str, str, str]:
        """What stays the same while other lines of the file change: code, file, message without positions."""
        file = self.position.file if self.position is not None else ""
        return str(self.code), file, _PLACE.sub("", self.message)


MAX_USES = 4
"""Uses that one problem names; of more it has the number."""


@dataclass(frozen=True, slots=True)
class SharedProblem(Problem):
    """What is wrong with something for one `use` of it; `fault` says it for all uses.

    `names` are what its source declares that this is about, what it is most about first.
    """

    fault: str = ""
    use: str = ""
    names: tuple[str, ...] = ()


def shared(problem: Problem, fault: str, use: str, names: tuple[str, ...] = ()) -> SharedProblem:
    """Return a problem as that of one use of what has a fault."""
    of = problem
    return SharedProblem(
        of.code, of.message, of.position, of.excerpt, of.help, of.severity, fault, use, names
    )


def joined(problems: Iterable[Problem]) -> list[Problem]:
    """Return problems with one for each fault that is shared, at the place of the first use in the text.

    One of several uses names these, in the order of their places.
    """
    found: dict[object, list[Problem]] = {}
    for problem in problems:
        key = (problem.code, problem.fault) if isinstance(problem, SharedProblem) else problem
        found.setdefault(key, []).append(problem)
    return [_one(alike) for alike in found.values()]


def _one(alike: list[Problem]) -> Problem:
    """Return the problem of one fault."""
    first = alike[0]
    if not isinstance(first, SharedProblem):
        return first
    in_order = sorted(
        (one for one in alike if isinstance(one, SharedProblem)),
        key=lambda one: (one.position is None, one.position or 0, one.use),
    )
    first, message = in_order[0], in_order[0].message
    uses = list(dict.fromkeys(one.use for one in in_order))
    if len(uses) > 1:
        more = f" and {len(uses) - MAX_USES} more" if len(uses) > MAX_USES else ""
        message = f"{first.fault}: {', '.join(uses[:MAX_USES])}{more}"
    return Problem(first.code, message, first.position, first.excerpt, first.help, first.severity)


class InputError(Exception):
    """User input is wrong; has all problems that were found, at least one."""

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = (problems,) if isinstance(problems, Problem) else tuple(problems)
        if not self.problems:
            raise ValueError("an InputError needs at least one problem")
        super().__init__(self.problems)

    def __str__(self) -> str:
        return "\n".join(problem.render() for problem in self.problems)


class ProblemCollector:
    """Collects the problems of several parts, so that they are reported together."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def add(self, problem: Problem) -> None:
        """Add a problem."""
        self.problems.append(problem)

    def catching(self) -> "_Catching":
        """Collect the problems of an InputError raised inside, and continue after the block."""
        return _Catching(self.problems)

    def attempt(self, call: Callable[[], T], default: T) -> T:
        """Return the result of `call`, or `default` after collecting the problems it raised."""
        try:
            return call()
        except InputError as error:
            self.problems.extend(error.problems)
            return default

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """The problems that are warnings."""
        return tuple(p for p in self.problems if p.severity is Severity.WARNING)

    def check(self) -> None:
        """Raise an InputError with all problems if one of them is an error."""
        if any(p.severity is Severity.ERROR for p in self.problems):
            raise InputError(self.problems)

    def tolerate(self, known: Iterable[Problem] | None) -> tuple[Problem, ...]:
        """Make warnings of the errors, each of which has left out what it is about, and return these.

        Raises InputError with all problems if an error is not among `known`, by its identity and as often;
        with None, all errors are tolerated.
        """
        errors = [p for p in self.problems if p.severity is Severity.ERROR]
        if known is not None and Counter(p.identity for p in errors) - Counter(p.identity for p in known):
            raise InputError(self.problems)
        self.problems[:] = [replace(p, severity=Severity.WARNING) for p in self.problems]
        return tuple(replace(p, severity=Severity.WARNING) for p in errors)


class _Catching:
    """The block of `ProblemCollector.catching`; a class, since a generator costs four times as much."""

    __slots__ = ("_problems",)

    def __init__(self, problems: list[Problem]) -> None:
        self._problems = problems

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, InputError):
            return False
        self._problems.extend(error.problems)
        return True


def excerpt_of(line: str, offset: int) -> str:
    """Return `line` without its indentation, and a caret line for the character at `offset` in it."""
    indentation = len(line) - len(line.lstrip())
    start = min(indentation, offset)
    if offset - start > MAX_EXCERPT_CHARS * 3 // 4:
        start = offset - MAX_EXCERPT_CHARS // 2
    piece = line[start : start + MAX_EXCERPT_CHARS].rstrip()
    before = line[start:offset]
    shown = printable(piece.replace("\t", " " * TAB_COLUMNS))
    return f"{shown}\n{' ' * (len(before) + (TAB_COLUMNS - 1) * before.count(chr(9)))}^"
