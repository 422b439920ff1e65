"""How much of an exhaustive proof runs: a sample with a fresh seed, a larger one, or all of it.

`make test` samples, `make proof ONLY=short` samples more, `make proof` runs everything. The seed of a run is
printed, and `--seed` or DIORAMA_SEED sets it; each test draws from it by its own name, whatever else runs.
"""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from itertools import count, pairwise
from typing import Any
from zlib import crc32

import numpy as np
import pytest
from hypothesis import core, settings
from hypothesis.internal.conjecture import providers


class Extent(Enum):
    """What share of a proof runs."""

    SAMPLE = "sample"
    SHORT = "short"
    WHOLE = "whole"


class Run:
    """The seed and the extent of this run, set before tests are collected."""

    seed: int = 0
    extent: Extent = Extent.SAMPLE
    say: Callable[[str], None] = sys.stderr.write
    """Writes where a person sees it, also while a test's output is captured and in a worker."""


_SHORT_TIMES = 2


def new_seed() -> int:
    """Give the seed that DIORAMA_SEED names, or a fresh one."""
    given = os.environ.get("DIORAMA_SEED")
    return int(given) if given else secrets.randbelow(10_000_000)


def amount(sample: int, whole: int) -> int:
    """How many cases to run, where `sample` are enough for `make test` and `whole` are a proof."""
    if Run.extent is Extent.WHOLE:
        return whole
    return min(sample * _SHORT_TIMES, whole) if Run.extent is Extent.SHORT else min(sample, whole)


def in_proof(*cases: Any) -> list[Any]:
    """Give cases of a parametrized test that `make proof` alone runs, beside those that stand for them."""
    return [pytest.param(case, marks=pytest.mark.proof(short=True)) for case in cases]


def set_hypothesis(seeded: bool) -> None:
    """Let Hypothesis draw from the seed of this run, unless it was given one, and no slow example fail.

    It would take the same examples in every run under CI, and time each of them. It would also parse all
    modules of ours that are imported, and draw numbers that stand there: a seed alone would not give an
    example again. A whole proof does so.
    """
    settings.register_profile(
        "diorama", max_examples=amount(15, 400), deadline=None, derandomize=False, print_blob=True
    )
    settings.load_profile("diorama")
    if seeded:
        core.global_force_seed = Run.seed
    if Run.extent is not Extent.WHOLE:
        providers._get_local_constants = lambda: providers._local_constants  # none were collected yet


class Progress:
    """Says once a minute how far a test has come with its cases; most tests take no minute."""

    EVERY_S = 60.0

    def __init__(self, test: str) -> None:
        self._test = test
        self._began = self._said = time.monotonic()

    def at(self, where: str) -> None:
        """Note that the test begins with a case."""
        now = time.monotonic()
        if now - self._said >= self.EVERY_S:
            self._said = now
            Run.say(f"\n{self._test}: {where}, after {(now - self._began) / 60:.0f} min\n")


class Cases(list[int]):
    """Cases that report their progress as they are taken."""

    def __init__(self, cases: Sequence[int], progress: Progress) -> None:
        super().__init__(cases)
        self._progress = progress

    def __iter__(self) -> Iterator[int]:
        for done, case in enumerate(super().__iter__()):
            self._progress.at(f"{done:,} of {len(self):,} cases")
            yield case


class Sample:
    """What one test draws. `drawn` says what, for the report of a failure."""

    def __init__(self, test: str) -> None:
        self.rng = np.random.default_rng([Run.seed, crc32(test.encode())])
        self.drawn: list[str] = []
        self._progress = Progress(test)

    def of(self, cases: Sequence[int], number: int) -> list[int]:
        """Choose `number` of the cases, in their order and spread over all of them; all in a whole proof.

        One case is drawn from each of as many equal parts, so that no long stretch is left out.
        """
        number = amount(number, len(cases))
        bounds = np.linspace(0, len(cases), number + 1).astype(int)
        chosen = [cases[int(self.rng.integers(low, high))] for low, high in pairwise(bounds)]
        self.drawn.append(f"{len(chosen)} of {len(cases)}: {chosen}")
        return Cases(chosen, self._progress)

    def seeds(self, sample: int, whole: int) -> list[int]:
        """Draw seeds of random worlds, no two of them the same.

        A whole proof begins with the fixed seeds from 0, so that half of it is the same in every run.
        """
        number = amount(sample, whole)
        fixed = number // 2 if Run.extent is Extent.WHOLE else 0
        first = int(self.rng.integers(number, 10_000_000))
        drawn = [*range(fixed), *range(first, first + number - fixed)]
        self.drawn.append(f"seeds {first} to {first + number - fixed - 1}")
        return Cases(drawn, self._progress)

    def calls(self, stride: int) -> Iterator[int]:
        """Yield rising numbers of calls from 1 on without an end: one of each `stride`, all in a whole proof.

        The loop that takes them ends where no call was left to fail.
        """
        if Run.extent is not Extent.SAMPLE:
            stride = 1 if Run.extent is Extent.WHOLE else max(1, stride // _SHORT_TIMES)
        for first in count(1, stride):
            nth = first + int(self.rng.integers(stride))
            self.drawn.append(f"call {nth}")
            self._progress.at(f"call {nth:,}")
            yield nth
