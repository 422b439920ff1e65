"""What a run of the tests does as a whole: seed, extent, time limits of this machine, CPU time."""

from __future__ import annotations

import faulthandler
import gc
import os
import sys
from collections.abc import Generator
from typing import Any

import pytest
from support import sampling
from support.limits import LOOP_S, Loop, Slowness, fixed_loop, limit
from support.sampling import Extent, Run

SHORT = "short"
ALL = "all"
WHOLE_PROOF_S = 3600.0
"""The least limit of a test that runs all its cases, of which `make test` draws a few."""
_KILLED_AFTER = 1.5
"""A test that hangs outside of Python, where no limit can end it, ends its process after so many limits."""


_OBJECTS_OF_A_PASS = 5_000
"""New objects until the garbage collector looks for cycles among them: 700 take 4 % of opening scenes."""


def add_options(parser: pytest.Parser) -> None:
    group = parser.getgroup("proofs", "Proofs of Diorama")
    group.addoption(
        "--proof",
        metavar="AREA",
        help=f"run the proofs alone: '{ALL}', '{SHORT}' (a choice of 3 minutes), or a folder below tests",
    )
    group.addoption(
        "--seed", type=int, metavar="N", help="the seed that a run has printed (or DIORAMA_SEED=N)"
    )


def usable_cores() -> int:
    """Count the cores that this process may use: those it is bound to, within the quota of its group."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        with open("/sys/fs/cgroup/cpu.max", encoding="ascii") as file:
            quota, period = file.read().split()
    except (OSError, ValueError):
        return cores
    return cores if quota == "max" else min(cores, max(1, round(int(quota) / int(period))))


def workers() -> int:
    """Two at least, as tests also wait; eight at most, as each worker has its own device and display."""
    return min(max(usable_cores(), 2), 8)


def cpu_seconds() -> float:
    """Count the CPU time of this process and of its children that have ended."""
    return sum(os.times()[:4])


def _areas(config: pytest.Config) -> list[str]:
    """List the folders below tests that hold tests."""
    tests = config.rootpath / "tests"
    return sorted({path.relative_to(tests).parts[0] for path in tests.glob("*/**/test_*.py")})


def _is_drawn(item: pytest.Item) -> bool:
    """Whether the extent of a run decides how many cases a test has."""
    function = getattr(item, "function", None)
    return hasattr(function, "hypothesis") or "sample" in getattr(item, "fixturenames", ())


class Session:
    """The hooks of a run; in a worker of pytest-xdist it takes over what the controller has decided."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._loop: Loop | None = None
        self._stderr = os.dup(2)
        Run.say = self._say
        area = config.getoption("--proof")
        decided: dict[str, Any] | None = getattr(config, "workerinput", {}).get("diorama")
        if decided is None:
            self._loop = Slowness.measure()
            given = config.getoption("--seed")
            Run.seed = sampling.new_seed() if given is None else given
        else:
            Slowness.factor, Run.seed = decided["slowness"], decided["seed"]
        if area not in (None, ALL, SHORT, *(areas := _areas(config))):
            raise pytest.UsageError(
                f"no proofs of area {area!r}; there are: {ALL}, {SHORT}, {', '.join(areas)}"
            )
        if area is not None:
            Run.extent = Extent.SHORT if area == SHORT else Extent.WHOLE
        sampling.set_hypothesis(config.getoption("--hypothesis-seed") is None)
        self._area = area

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Give a worker what the controller has decided."""
        node.workerinput["diorama"] = {"slowness": Slowness.factor, "seed": Run.seed}

    def pytest_report_header(self) -> list[str]:
        """Say what it takes to run the same again."""
        return [
            f"seed: {Run.seed} (DIORAMA_SEED={Run.seed} runs the same again); extent: {Run.extent.value}",
            f"time limits: x {Slowness.factor:.2f} on this machine",
        ]

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Choose tests by extent, and give each its limit."""
        chosen = [item for item in items if self._runs(item)]
        if left_out := [item for item in items if not self._runs(item)]:
            config.hook.pytest_deselected(items=left_out)
        items[:] = chosen
        for item in items:
            item.add_marker(pytest.mark.timeout(self._limit_of(item)), append=False)

    def pytest_collection_finish(self) -> None:
        """Take what was imported and collected, which stays, out of the passes of the garbage collector.

        They are fewer, too, as opening a scene makes many objects that stay while it is open.
        """
        gc.collect()
        gc.freeze()
        gc.set_threshold(_OBJECTS_OF_A_PASS)

    def _runs(self, item: pytest.Item) -> bool:
        proof = item.get_closest_marker("proof")
        if self._area is None:
            return proof is None
        if self._area == SHORT:
            return bool(proof and proof.kwargs.get("short")) or _is_drawn(item)
        within = item.path.relative_to(self._config.rootpath).parts[1]
        return (proof is not None or _is_drawn(item)) and self._area in (ALL, within)

    def _limit_of(self, item: pytest.Item) -> float:
        mark = item.get_closest_marker("timeout")
        seconds = float(mark.args[0] if mark else self._config.getini("timeout"))
        if Run.extent is Extent.WHOLE and _is_drawn(item):
            seconds = max(seconds, WHOLE_PROOF_S)
        return limit(seconds)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """End the process and print all stacks where a test hangs in a driver and its limit cannot end it."""
        seconds = float(next(item.iter_markers("timeout")).args[0])
        faulthandler.dump_traceback_later(seconds * _KILLED_AFTER, exit=True, file=self._stderr)
        try:
            return (yield)
        finally:
            faulthandler.cancel_dump_traceback_later()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Say with a failure what was drawn, and how to draw the same again."""
        report: pytest.TestReport = yield
        drawn = getattr(item, "funcargs", {}).get("sample")
        if report.failed and isinstance(drawn, sampling.Sample):
            lines = [f"DIORAMA_SEED={Run.seed}, extent {Run.extent.value}", *drawn.drawn]
            report.sections.append(("sample", "\n".join(lines)))
        return report

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Say how much CPU time the run took, workers included, beside the fixed loop of this machine."""
        assert self._loop is not None
        used = cpu_seconds()
        loop = (self._loop.cpu + fixed_loop().cpu) / 2
        terminalreporter.write_line(
            f"CPU time: {used:.0f} s with all processes, {used / loop:,.0f} x the fixed loop of "
            f"{loop * 1e3:.0f} ms ({used / loop * LOOP_S:.0f} s where that takes {LOOP_S * 1e3:.0f} ms)"
        )

    def _say(self, text: str) -> None:
        os.write(self._stderr, text.encode())

    def pytest_unconfigure(self) -> None:
        """Close what was opened."""
        Run.say = sys.stderr.write
        os.close(self._stderr)
