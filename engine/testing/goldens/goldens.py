"""Golden pictures and plan texts: stored beside the test, compared on their own driver, updated by review.

Goldens are in the folder `goldens` beside the test: `goldens/cube.png`, `goldens/cube.plan.hu`. Each names
the driver (for a plan, the device profile) that it was made on and is compared only there; elsewhere the test
skips the comparison. A folder named after a driver holds that driver's own set: `goldens/llvmpipe/cube.png`.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.files import read_regular, reason_of
from engine.testing.comparison.pictures import Box, Picture, Tolerance
from engine.testing.goldens.findings import MAX_GOLDEN_BYTES, Finding, Findings, State
from engine.testing.goldens.golden_kinds import GoldenKind, PictureKind, TextKind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.testing.scene.scene import OpenedScene

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_HOW_TO_MAKE = "make it with `pytest --update-goldens`, and look at it before you accept it"
_HOW_TO_UPDATE = "if the new one is right: `pytest --update-goldens`"


class GoldenError(AssertionError):
    """A golden is missing, or the test's result differs from it."""


@dataclass(frozen=True)
class Compared:
    """Whether a comparison took place, and the `reason` if not."""

    compared: bool
    reason: str = ""


class Goldens:
    """The goldens of one test, in `folder`; with `updating`, differences wait in `findings` for review."""

    def __init__(
        self, folder: Path, test: str, findings: Findings | None = None, updating: bool = False
    ) -> None:
        self.folder = folder
        self.test = test
        self.not_compared: list[str] = []
        self._findings = findings
        self._updating = updating

    def picture(
        self,
        name: str,
        pixels: Picture,
        driver: str,
        tolerance: Tolerance | None = None,
        *,
        box: Box | None = None,
        mask: NDArray[np.bool_] | None = None,
    ) -> Compared:
        """Compare uint8[height, width, 3 or 4] with `name`.png.

        `box` and `mask`, bool[height, width], select the compared pixels. Raises GoldenError if the golden is
        missing, unreadable, of another size, or differs by more than `tolerance`.
        """
        colors = np.ascontiguousarray(pixels[..., :3])
        return self._check(name, PictureKind(colors, tolerance or Tolerance(), box, mask), driver)

    def frame(
        self, scene: OpenedScene, name: str, tolerance: Tolerance | None = None, **counts: Any
    ) -> Compared:
        """Draw a frame and compare it with `name`.png; `box` and `mask` as for `picture`."""
        return self.picture(name, scene.frame(), scene.driver, tolerance, **counts)

    def plan(self, scene: OpenedScene, name: str) -> Compared:
        """Compare a scene's plan, without staging, with `name`.plan.hu. Raises GoldenError."""
        return self.text(name, comparable_plan_text(scene), scene.profile.name)

    def text(self, name: str, text: str, driver: str, suffix: str = ".plan.hu") -> Compared:
        """Compare a text, such as a plan, with a golden, exactly. Raises GoldenError with the difference."""
        return self._check(name, TextKind(text, suffix), driver)

    def _check(self, name: str, made: GoldenKind, driver: str) -> Compared:
        if not _NAME.fullmatch(name):
            raise GoldenError(f"'{name}' cannot name a golden: letters, digits, dots, dashes and underscores")
        word = driver_word(driver)
        file = name + made.suffix
        shared, own = self.folder / file, self.folder / word / file
        has_own_set = os.path.isdir(own.parent)
        path = own if os.path.lexists(own) or (has_own_set and not os.path.lexists(shared)) else shared
        expected = _read(path)
        if expected is not None and path == shared and (made.made_on(expected) or word) != word:
            if not has_own_set:
                reason = f"{shown(path)} was made on {made.made_on(expected)}, this is {word}"
                self.not_compared.append(
                    f"{reason}; make the folder {shown(own.parent)} to keep a set for this driver"
                )
                return Compared(False, self.not_compared[-1])
            path, expected = own, None
        if expected is None:
            message = f"there is no golden {shown(path)}; {_HOW_TO_MAKE}"
            state = State.NEW
        else:
            wrong = made.difference_from(expected)
            if not wrong:
                return Compared(True)
            message = f"differs from its golden {shown(path)}: {wrong}\n{_HOW_TO_UPDATE}"
            state = State.CHANGED
        if not self._updating:
            state = State.FAILED
        if self._findings is not None:
            self._findings.add(
                Finding(self.test, file, made.kind, state, message, path, word, expected, made.data(word))
            )
        if not self._updating:
            raise GoldenError(message)
        return Compared(False, message)


def _read(path: Path) -> bytes | None:
    """Return the content of a golden, None if there is none. Raises GoldenError if it cannot be read."""
    try:
        return read_regular(path, MAX_GOLDEN_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise GoldenError(f"the golden {shown(path)} cannot be read: {reason_of(error)}") from error


def comparable_plan_text(scene: OpenedScene) -> str:
    """Return the plan in Humon without staging, whose size depends on the latest uploads."""
    from engine.humon import write
    from engine.plan.text.plan_text import plan_values

    values = plan_values(scene.plan)
    values["featureDb"].pop("stagingPlan", None)
    return write(values)


def driver_word(name: str) -> str:
    """Return the first word of a driver's name, in lower case: `llvmpipe (LLVM 15)` is `llvmpipe`."""
    words = re.findall(r"[a-z0-9][a-z0-9._-]*", name.lower())
    return words[0] if words else "unknown"


def shown(path: Path) -> str:
    """Return a path for messages: relative to the working folder if that is shorter."""
    try:
        relative = os.path.relpath(path)
    except ValueError:  # on another drive
        return str(path)
    return relative if len(relative) < len(str(path)) else str(path)
