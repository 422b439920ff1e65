"""Reads the steps of a test file."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.humon import (
    InputError,
    Kind,
    Node,
    Problem,
    expect,
    failure,
    integer,
    number,
    suggestion,
    text,
    texts,
    vector,
)
from engine.tableau.clock import LATEST
from engine.testing.hu.actions import (
    Advance,
    Arrange,
    Check,
    Expect,
    Move,
    Remember,
    Resize,
    Set,
    SetTime,
    Settle,
    Step,
)
from engine.testing.hu.memory_claims import MemoryClaim
from engine.testing.hu.pixel_claims import PixelsClaim
from engine.testing.hu.plan_claims import PlanClaim, ProblemsClaim, ScheduleClaim
from engine.testing.hu.playback import Playback
from engine.testing.hu.values import TestCode, known_fields

LARGEST_SIDE = 16384
MAX_FRAME_COUNT = 100_000

CLAIMS: Mapping[str, Callable[[Node], Callable[[Playback], None]]] = {
    "plan": lambda node: PlanClaim.read(node).check,
    "memory": lambda node: MemoryClaim.read(node).check,
    "schedule": lambda node: ScheduleClaim.read(node).check,
    "pixels": lambda node: PixelsClaim.read(node).check,
    "problems": lambda node: ProblemsClaim.read(node).check,
}


def read_expect(node: Node, draws: bool) -> Expect:
    """Read the claims of an `expect` step; raises InputError with every problem."""
    found = known_fields(expect(node, Kind.DICT), CLAIMS, "'expect'")
    if "pixels" in found and not draws:
        message = "nothing is drawn for a profile, so there are no pixels to check"
        raise failure(TestCode.PROFILE, message, found["pixels"], "leave out `profile`, or `pixels`")
    if not found:
        raise failure(TestCode.STEP, "'expect' has no claim", node, f"known: {', '.join(CLAIMS)}")
    problems: list[Problem] = []
    claims = []
    for name, child in found.items():
        try:
            claims.append(Check(CLAIMS[name](child)))
        except InputError as error:
            problems.extend(error.problems)
    if problems:
        raise InputError(problems)
    return Expect(tuple(claims))


def _settle(node: Node, draws: bool) -> Settle:
    return Settle(node, integer(node, 1, MAX_FRAME_COUNT))


def _advance(node: Node, draws: bool, count: Node | None = None) -> Advance:
    return Advance(number(node, 0, LATEST), integer(count, 1, MAX_FRAME_COUNT) if count is not None else 1)


def _time(node: Node, draws: bool) -> SetTime:
    return SetTime(number(node, 0, LATEST))


def _set(node: Node, draws: bool) -> Set:
    return Set(tuple(expect(node, Kind.DICT)))


def _resize(node: Node, draws: bool) -> Resize:
    width, height = (integer(child, 1, LARGEST_SIDE) for child in _pair(node))
    return Resize(width, height)


def _remember(node: Node, draws: bool) -> Remember:
    return Remember(text(node))


def _move(node: Node, draws: bool, *where: Node | None) -> Move:
    values = [None if child is None else vector(child, 3) for child in where]
    text(node)
    if not any(values):
        raise failure(TestCode.STEP, "the move has no target", node, "add to, by, euler or lookAt: [x y z]")
    return Move(node, *values)


def _text_of(node: Node) -> str:
    start, end = node.span
    return node.document.text[start:end]


def _add(node: Node, draws: bool, below: Node | None = None) -> Arrange:
    expect(node, Kind.DICT)
    written, parent = _text_of(node).strip()[1:-1], "" if below is None else text(below)
    return Arrange(node, lambda scene: scene.add(written, parent))


def _remove(node: Node, draws: bool) -> Arrange:
    paths = [text(node)] if node.kind is Kind.VALUE else texts(node)
    return Arrange(node, lambda scene: scene.remove(*paths))


def _rename(node: Node, draws: bool, to: Node | None = None) -> Arrange:
    path, new = text(node), text(_given(node, to, "to"))
    return Arrange(node, lambda scene: scene.rename(path, new))


def _order(node: Node, draws: bool, below: Node | None = None) -> Arrange:
    names, parent = texts(node), "" if below is None else text(below)
    return Arrange(node, lambda scene: scene.order(names, parent))


def _add_feature(node: Node, draws: bool, of: Node | None = None) -> Arrange:
    expect(node, Kind.DICT)
    written, path = _text_of(node), text(_given(node, of, "of"))
    return Arrange(node, lambda scene: scene.add_feature(path, written))


def _remove_feature(node: Node, draws: bool, of: Node | None = None) -> Arrange:
    type_name, path = text(node), text(_given(node, of, "of"))
    return Arrange(node, lambda scene: scene.remove_feature(path, type_name))


def _given(node: Node, other: Node | None, key: str) -> Node:
    if other is None:
        raise failure(TestCode.STEP, f"the step has no '{key}'", node, f"add `{key}: PATH`")
    return other


def _pair(node: Node) -> list[Node]:
    vector(node, 2)
    return list(node)


STEPS: Mapping[str, tuple[Callable[..., Step], tuple[str, ...]]] = {
    "settle": (_settle, ()),
    "step": (_advance, ("count",)),
    "time": (_time, ()),
    "set": (_set, ()),
    "resize": (_resize, ()),
    "move": (_move, ("to", "by", "euler", "lookAt")),
    "add": (_add, ("below",)),
    "remove": (_remove, ()),
    "rename": (_rename, ("to",)),
    "order": (_order, ("below",)),
    "addFeature": (_add_feature, ("of",)),
    "removeFeature": (_remove_feature, ("of",)),
    "remember": (_remember, ()),
    "expect": (read_expect, ()),
}


def read_step(node: Node, draws: bool) -> Step:
    """Read one entry of `steps`; `draws` is whether there are pixels. Raises InputError."""
    if node.kind is Kind.VALUE:
        if node.text == "settle":
            return Settle(node)
        if node.text == "step":
            return Advance(None, 1)
        names = ["settle", "step"] if node.text not in STEPS else [f"{{ {node.text}: ... }}"]
        raise failure(TestCode.STEP, f"'{node.text}' is not a step", node, suggestion(node.text, names))
    expect(node, Kind.DICT)
    first = next(iter(node.items()), None)
    if first is None or first[0] not in STEPS:
        message = f"'{first[0]}' is not a step" if first is not None else "the step is empty"
        raise failure(TestCode.STEP, message, node, suggestion(first[0] if first else "", STEPS))
    read, more = STEPS[first[0]]
    known_fields(node, (first[0], *more), f"the step '{first[0]}'")
    return read(first[1], draws, *(node.get(name) for name in more))
