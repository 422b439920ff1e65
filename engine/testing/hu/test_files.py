"""Reads test files, `NAME.test.hu`, into tests, and runs them.

`version: 1  scene: ../cube.hu  size: [320 240]  tests: { NAME: [STEP ...] }`; a test may also be a dict of
`steps` and its own `scene`, `size`, `profile` or `profiles`. The scene's path is relative to the file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from engine.humon import (
    Document,
    InputError,
    Kind,
    Node,
    ProblemCollector,
    expect,
    failure,
    integer,
    read,
    required,
    suggestion,
    text,
)
from engine.testing.goldens.goldens import Goldens, shown
from engine.testing.hu.actions import Step
from engine.testing.hu.playback import OPENED, Moment, Playback
from engine.testing.hu.steps import LARGEST_SIDE, read_step
from engine.testing.hu.values import TestCode, known_fields
from engine.testing.scene.opening import SIZE, open_scene
from engine.testing.scene.profiles import profile_names

SUFFIX = ".test.hu"
VERSION = 1
_COMMON = ("scene", "size", "profile", "profiles")


@dataclass(frozen=True)
class HuTest:
    """One test: a scene, the profile or size to open it with, and the steps; without `profile` it draws."""

    name: str
    scene: Path
    scene_node: Node
    size: tuple[int, int] = SIZE
    profile: str | None = None
    steps: tuple[Step, ...] = ()

    def run(self, goldens: Goldens | None = None) -> None:
        """Open the scene and run the steps. Raises SceneTestFailure, InputError, and as `open_scene` does."""
        if not os.path.isfile(self.scene):
            message = f"there is no scene {shown(self.scene)}"
            hint = "the path of a scene is relative to the test file"
            raise failure("file.missing", message, self.scene_node, hint)
        with open_scene(self.scene, size=self.size, profile=self.profile) as scene:
            play = Playback(scene, goldens)
            play.moments[OPENED] = Moment.of(scene)
            for step in self.steps:
                step.run(play)


def read_tests(path: Path, name: str | None = None) -> tuple[HuTest, ...]:
    """Read a test file, called `name` in errors; raises InputError with every problem found in it."""
    document = read(path, name or str(path))
    return tuple(_read(document, path))


def _read(document: Document, path: Path) -> Iterator[HuTest]:
    problems = ProblemCollector()
    root = document.root
    found = known_fields(root, ("version", "tests", *_COMMON), "a test file")
    version = integer(found["version"]) if "version" in found else VERSION
    if version > VERSION:
        message = f"the file has version {version}, this Diorama reads up to {VERSION}"
        raise failure(TestCode.VERSION, message, found["version"], "use a newer Diorama")
    tests = []
    for each in expect(required(root, "tests"), Kind.DICT):
        with problems.catching():
            tests += _read_test(each, root, path)
    problems.check()
    yield from tests


def _read_test(node: Node, root: Node, path: Path) -> list[HuTest]:
    """Read one test; it becomes one test for each of its profiles."""
    own = known_fields(node, ("steps", *_COMMON), "a test") if node.kind is Kind.DICT else {}
    steps = required(node, "steps") if node.kind is Kind.DICT else node
    common = {key: own.get(key) or root.get(key) for key in _COMMON}
    scene = common["scene"]
    if scene is None:
        raise failure("value.missing", f"the test '{node.key}' has no scene", node, "add `scene: FILE.hu`")
    node_of_profiles = own.get("profile") or own.get("profiles") or common["profile"] or common["profiles"]
    profiles = _profiles(node_of_profiles, path.parent)
    problems = ProblemCollector()
    read_steps: list[Step] = []
    for child in expect(steps, Kind.LIST):
        with problems.catching():
            read_steps.append(read_step(child, draws=profiles is None))
    test = HuTest(str(node.key), path.parent / text(scene), scene, steps=())
    with problems.catching():
        test = replace(test, size=_size(common["size"]))
    problems.check()
    test = replace(test, steps=tuple(read_steps))
    if profiles is None:
        return [test]
    single = len(profiles) == 1
    return [replace(test, name=test.name if single else f"{test.name}[{p}]", profile=p) for p in profiles]


def _size(node: Node | None) -> tuple[int, int]:
    if node is None:
        return SIZE
    if node.kind is not Kind.LIST or len(node) != 2:
        raise failure("value.count", "'size' must be [WIDTH HEIGHT]", node, "write such as `size: [320 240]`")
    width, height = (integer(child, 1, LARGEST_SIDE) for child in node)
    return width, height


def _profiles(node: Node | None, folder: Path) -> list[str] | None:
    """Return the profiles to plan for, by name or pattern; None for a device that draws."""
    if node is None:
        return None
    if node.kind is Kind.VALUE and node.text.endswith(".json"):
        return [str(folder / node.text)]
    chosen: list[str] = []
    for child in node if node.kind is Kind.LIST else (node,):
        found = profile_names(text(child))
        if not found:
            message = f"there is no recorded profile '{child.text}'"
            raise failure(TestCode.PROFILE, message, child, suggestion(child.text, profile_names()))
        chosen += found
    return chosen


def explain(error: BaseException) -> str | None:
    """Return the text of an error that a test file can cause; None for any other error."""
    from engine.plan.terms.errors import PlanError

    if isinstance(error, AssertionError | InputError | PlanError):
        return str(error)
    return None
