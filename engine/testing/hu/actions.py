"""The steps of a test file: each changes the scene, stores a moment, or checks claims."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from engine.humon import InputError, Node, Problem, suggestion
from engine.testing.hu.playback import Moment, Playback
from engine.testing.hu.values import SceneTestFailure, TestCode, fail
from engine.testing.scene.scene import MAX_FRAMES, NotSettled
from engine.testing.scene.structure import Structure


class Step(Protocol):
    """One step of a running test."""

    def run(self, play: Playback) -> None:
        """Run the step; raises SceneTestFailure for a false claim, InputError for a wrong value."""


@dataclass(frozen=True)
class Settle:
    """`settle`, or `{ settle: FRAMES }`: run until the scene is settled."""

    node: Node
    max_frames: int = MAX_FRAMES

    def run(self, play: Playback) -> None:
        """Settle; a failure lists the remaining schedule steps."""
        try:
            play.scene.settle(self.max_frames)
        except NotSettled as error:
            raise fail(TestCode.SETTLE, str(error), self.node) from None


@dataclass(frozen=True)
class Advance:
    """`{ step: SECONDS  count: FRAMES }`: advance time and draw."""

    seconds: float | None
    count: int

    def run(self, play: Playback) -> None:
        """Draw the frames."""
        play.scene.step(self.seconds, self.count)


@dataclass(frozen=True)
class SetTime:
    """`{ time: SECONDS }`: set the clock of the scene."""

    seconds: float

    def run(self, play: Playback) -> None:
        """Set the clock; the next frame shows that time."""
        play.scene.clock.set(self.seconds)


@dataclass(frozen=True)
class Set:
    """`{ set: { PATH.FEATURE.FIELD: VALUE ... } }`: change values, as `--set` does."""

    nodes: tuple[Node, ...]

    def run(self, play: Playback) -> None:
        """Apply the settings; an InputError names the place in the test file."""
        for node in self.nodes:
            start, end = node.span
            setting = f"{node.key}={node.document.text[start:end]}"
            try:
                play.scene.set(setting)
            except InputError as error:
                raise InputError(_placed(problem, setting, node) for problem in error.problems) from None


@dataclass(frozen=True)
class Resize:
    """`{ resize: [WIDTH HEIGHT] }`, in pixels."""

    width: int
    height: int

    def run(self, play: Playback) -> None:
        """Draw frames of that size from now on."""
        play.scene.resize(self.width, self.height)


@dataclass(frozen=True)
class Move:
    """`{ move: camera  to: [x y z]  by: [x y z]  euler: [x y z]  lookAt: [x y z] }`: metres and degrees."""

    node: Node
    to: tuple[float, ...] | None
    by: tuple[float, ...] | None
    euler: tuple[float, ...] | None
    look_at: tuple[float, ...] | None

    def run(self, play: Playback) -> None:
        """Move the object in its parent's space."""
        path = self.node.text
        if path not in play.scene:
            help_text = suggestion(
                path, [play.scene.tableau.path(int(row)) for row in play.scene.tableau.rows()]
            )
            raise fail(TestCode.STEP, f"there is no object '{path}'", self.node, help_text)
        handle = play.scene[path]
        if self.to is not None:
            handle.translation = self.to
        if self.by is not None:
            handle.translation = handle.translation + np.asarray(self.by, np.float64)
        if self.euler is not None:
            handle.euler = self.euler
        if self.look_at is not None:
            handle.euler = towards(handle.translation.tolist(), self.look_at)


@dataclass(frozen=True)
class Arrange:
    """`{ add: { NAME: { ... } }  below: PATH }`, and others that change objects, by `Structure`."""

    node: Node
    change: Callable[[Structure], object]

    def run(self, play: Playback) -> None:
        """Make the change; a failure is at the step."""
        try:
            self.change(play.scene)
        except InputError as error:
            first = error.problems[0]
            raise InputError(
                self.node.document.problem(first.code, first.message, self.node, first.help)
            ) from None
        except (ValueError, LookupError) as error:
            raise fail(TestCode.STEP, str(error.args[0]), self.node) from None


@dataclass(frozen=True)
class Remember:
    """`{ remember: NAME }`: store this moment for later claims to compare with."""

    name: str

    def run(self, play: Playback) -> None:
        """Store the moment."""
        play.moments[self.name] = Moment.of(play.scene)


@dataclass(frozen=True)
class Expect:
    """`{ expect: { plan: ...  memory: ...  schedule: ...  pixels: ...  problems: ... } }`."""

    claims: tuple[Step, ...]

    def run(self, play: Playback) -> None:
        """Check every claim; all that do not hold are reported together."""
        failures = []
        for claim in self.claims:
            try:
                claim.run(play)
            except SceneTestFailure as failed:
                failures.append(failed)
        if len(failures) == 1:
            raise failures[0]
        if failures:
            raise SeveralFailures(failures)


class SeveralFailures(AssertionError):
    """Several claims of one `expect` step do not hold."""

    def __init__(self, failures: list[SceneTestFailure]) -> None:
        super().__init__("\n".join(map(str, failures)))


@dataclass(frozen=True)
class Check:
    """One claim of an `expect` step."""

    check: Callable[[Playback], None]

    def run(self, play: Playback) -> None:
        """Check the claim."""
        self.check(play)


def towards(eye: list[float], target: tuple[float, ...]) -> tuple[float, float, float]:
    """Return the euler angles, in degrees, that turn the -Z axis of an object at `eye` to `target`."""
    x, y, z = (t - e for t, e in zip(target, eye, strict=True))
    pitch = math.degrees(math.atan2(y, math.hypot(x, z)))
    return (pitch, math.degrees(math.atan2(-x, -z)), 0.0)


def _placed(problem: Problem, setting: str, node: Node) -> Problem:
    """Return the problem of a setting with its place in the test file."""
    message = problem.message.replace(f"--set {setting}", f"'{node.key}'", 1)
    advice = problem.help.replace(f"write `{node.key}=", f"write `{node.key}: ", 1)
    return node.document.problem(problem.code, message, node, advice)
