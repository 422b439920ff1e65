"""Assertions on reports: exactly these problems, and no message from the validation layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.testing.assertions.failure_messages import fail

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.humon import Problem
    from engine.testing.scene.scene import OpenedScene


def assert_problems(scene: OpenedScene, *expected: str | tuple[str, str]) -> None:
    """Assert that a scene has reported exactly these problems, each once, in any order.

    A problem is given as its code (`asset.broken`), or as its code and a text that its message, help or
    place must contain. Without arguments, nothing may have been reported.
    """
    __tracebackhide__ = True
    left = list(scene.problems)
    missing = []
    for wanted in expected:
        code, text = (wanted, "") if isinstance(wanted, str) else wanted
        fits = [p for p in left if p.code == code and text in p.render()]
        if fits:
            left.remove(fits[0])
        else:
            missing.append(f"{code} with '{text}'" if text else code)
    if not missing and not left:
        return
    parts: list[str | list[str]] = []
    if missing:
        parts += ["expected, but not reported:", missing]
    if left:
        parts += ["reported, but not expected:", _lines(left)]
    reported = [p for p in scene.problems if p not in left]
    if missing and reported and not left:
        parts += ["only these were reported:", _lines(reported)]
    fail(*parts)


def assert_silent(scene: OpenedScene) -> None:
    """Assert that the validation layers have reported nothing since the scene was opened."""
    __tracebackhide__ = True
    if scene.messages:
        fail("the validation layers reported:", scene.messages)


def _lines(problems: Sequence[Problem]) -> list[str]:
    return [line for problem in problems for line in problem.render().splitlines()]
