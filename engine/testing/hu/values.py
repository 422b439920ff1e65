"""Readers for values of test files: fields, amounts of memory, bounds, boxes; and failures of claims."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from engine.humon import InputError, Kind, Node, Problem, expect, failure, number, suggestion, vector
from engine.testing.comparison.pictures import Box
from engine.testing.scene.memory_facts import mib

_UNITS = {"": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_AMOUNT = re.compile(r"([0-9]+(?:\.[0-9]+)?)([A-Za-z]*)")


class TestCode(StrEnum):
    """The error codes of test files and of their claims."""

    __test__ = False  # pytest must not collect this as a test class

    AMOUNT = "test.amount"
    FIELD = "test.field"
    MOMENT = "test.moment"
    PROFILE = "test.profile"
    STEP = "test.step"
    VERSION = "test.version"
    MEMORY = "test.memory"
    PIXELS = "test.pixels"
    PLAN = "test.plan"
    PROBLEMS = "test.problems"
    SCHEDULE = "test.schedule"
    SETTLE = "test.settle"


class SceneTestFailure(AssertionError):
    """A claim of a test file does not hold; the text is a block with file, line and column."""

    def __init__(self, problem: Problem, details: str = "") -> None:
        super().__init__("\n".join(filter(None, (problem.render(), details))))
        self.problem = problem


def fail(code: TestCode, message: str, node: Node, help: str = "") -> SceneTestFailure:
    """Return the failure of the claim at `node`; the message's further lines come after the block."""
    first, _, details = message.partition("\n")
    return SceneTestFailure(node.document.problem(code, first, node, help), details)


@dataclass(frozen=True)
class Bounds:
    """The allowed range of a figure, both ends included."""

    least: float
    most: float
    node: Node

    def holds(self, value: float) -> bool:
        """Whether a figure is within the range."""
        return self.least <= value <= self.most

    def words(self, unit: str = "") -> str:
        """Describe the range."""
        if self.least == self.most:
            return quantity(self.least, unit)
        parts = [f"at least {quantity(self.least, unit)}"] if self.least > 0 else []
        parts += [f"at most {quantity(self.most, unit)}"] if self.most < math.inf else []
        return " and ".join(parts) or "anything"


def quantity(value: float, unit: str = "") -> str:
    """Format a figure; bytes above 0.1 MiB in MiB and with the exact number."""
    if unit != "bytes":
        return f"{value:g}"
    rounded = mib(value)
    return rounded if rounded.endswith(" bytes") else f"{rounded} ({value:.0f} bytes)"


def known_fields(node: Node, known: Collection[str], what: str) -> Mapping[str, Node]:
    """Return the members of a dict; raises InputError `test.field` for each unknown one."""
    expect(node, Kind.DICT)
    problems = []
    for key, child in node.items():
        if key not in known:
            message = f"{what} has no field '{key}'"
            problems.append(
                node.document.problem(TestCode.FIELD, message, child.key_position, suggestion(key, known))
            )
    if problems:
        raise InputError(problems)
    return dict(node.items())


def amount(node: Node) -> int:
    """Read bytes: `1632`, `16MiB`, `1.5GiB`; raises InputError `test.amount`."""
    written = expect(node, Kind.VALUE).text
    found = _AMOUNT.fullmatch(written)
    if found is None or found[2] not in _UNITS or len(written) > 40:
        units = "KiB, MiB, GiB"
        raise failure(
            TestCode.AMOUNT,
            f"'{written[:40]}' is not an amount of memory",
            node,
            f"write 1632 or 16MiB; units: {units}",
        )
    return round(float(found[1]) * _UNITS[found[2]])


def bounds(node: Node, of_memory: bool = True) -> Bounds:
    """Read a figure, or `{ atLeast: FIGURE  atMost: FIGURE }`."""

    def read(child: Node) -> float:
        return amount(child) if of_memory else number(child, minimum=0)

    if node.kind is not Kind.DICT:
        value = read(node)
        return Bounds(value, value, node)
    found = known_fields(node, ("atLeast", "atMost"), "a figure")
    if not found:
        raise failure(TestCode.AMOUNT, "no bound is given", node, "write { atMost: 16MiB }")
    least, most = found.get("atLeast"), found.get("atMost")
    return Bounds(read(least) if least else 0, read(most) if most else math.inf, node)


def box(node: Node) -> Box:
    """Read `[x y width height]` in pixels, from the top left corner."""
    x, y, width, height = vector(node, 4)
    return round(x), round(y), round(width), round(height)


def names(node: Node) -> list[Node]:
    """Read a list of texts; returns their nodes, which have positions."""
    return [expect(child, Kind.VALUE) for child in expect(node, Kind.LIST)]
