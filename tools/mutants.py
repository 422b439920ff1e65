"""Mutation testing: changes one operator, number or statement at a time, and runs the tests of that module.

    python tools/mutants.py --packages engine/plan/placement engine/planning --count 100 --seed 1 --jobs 2

A mutant that no test notices is a hole in the tests: each is printed with its line. The checkout itself is
never changed; every job works in a copy. All tests run once without a mutant, to record which of them
execute which line (executed_lines.py); a mutant is then judged by those that execute its line, the fastest
first, until one fails (forked_mutants.py). Tests that fail without a mutant are left out. With --recorded the
recording is kept in a folder, and only test files that have changed since are recorded again (recording.py).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from queue import Queue
from typing import TYPE_CHECKING

from mutator import ROOT, Mutant, mutants_of, mutated
from recording import Recorded, Recording, digests_of

from engine.files import write_whole

if TYPE_CHECKING:
    from coverage import CoverageData

COPIED = ("engine", "features", "viewer", "tests", "scenes", "assets", "docs", "tools")
TESTS = {
    "engine/plan/placement": (
        "tests/plan/placement",
        "tests/plan/schedule",
        "tests/plan/text",
        "tests/planning",
    ),
    "engine/plan/schedule": (
        "tests/plan/schedule",
        "tests/plan/placement",
        "tests/plan/text",
        "tests/plan/resident",
    ),
    "engine/planning": ("tests/planning", "tests/testing", "tests/feature", "tests/scenes"),
    "engine/memory/commands": ("tests/memory/commands", "tests/memory/streaming", "tests/storage"),
}
"""The tests of each package."""
EQUIVALENT = ROOT / "tools" / "mutants-equivalent.txt"
"""Mutants that change nothing one can see: `path: line | before -> after  # reason`, counted and not run."""
PASSED = (0, 5)
"""Exit codes of pytest: all passed, or none was there to run."""


def mutants_in(package: str) -> list[Mutant]:
    """All mutants of a package, file by file."""
    return [mutant for path in sorted((ROOT / package).rglob("*.py")) for mutant in mutants_of(path)]


def choose(found: dict[str, list[Mutant]], count: int, seed: int) -> list[Mutant]:
    """Draw `count` mutants, as many of each package; the same for the same seed and sources."""
    rng, chosen = random.Random(seed), []
    for number, mutants in enumerate(found.values()):
        share = count // len(found) + (number < count % len(found))
        chosen += rng.sample(mutants, min(share, len(mutants)))
    return chosen


class Executed:
    """Which tests pass without a mutant, the seconds that each takes, and the lines that each executes."""

    def __init__(self, seconds: dict[str, float], lines: CoverageData) -> None:
        self.seconds = dict(sorted(seconds.items(), key=lambda row: row[1]))
        self._lines = lines

    def tests_of(self, mutant: Mutant) -> list[str]:
        """List the tests that can notice a mutant, the fastest first.

        What a module does on import can matter to all tests of its package; those that execute a function of
        the module come first.
        """
        mine = [test for test in self.seconds if test.startswith(folders_of(mutant.path))]
        contexts = self._lines.contexts_by_lineno(mutant.path)
        first, last = mutant.executed or (0, sys.maxsize)
        found = {name for line, names in contexts.items() if first <= line <= last for name in names}
        executing = [test for test in mine if test in found or test.split("::")[0] in found]
        return executing if mutant.executed else list(dict.fromkeys([*executing, *mine]))


class Copy:
    """A copy of the project in which one job works."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in COPIED:
            if (ROOT / name).exists():
                shutil.copytree(
                    ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "bench")
                )
        shutil.copy(ROOT / "pyproject.toml", folder)

    def record(self, folders: list[str], packages: list[str], kept: Path | None = None) -> Executed:
        """Run the tests of the folders without a mutant, to see what each that passes executes.

        What is known from the folder `kept` is not run again, and what is run is kept there.
        """
        recording = Recording(kept or self.folder / "recording")
        scope, digests, known = [folders, packages], digests_of(self.folder), recording.read()
        again = known.changed(scope, digests) if known is not None else None
        if known is None or again is None:
            recording.clear()
            recorded = Recorded(scope, digests, self._run_recorded(folders, packages, recording.lines))
        else:
            here, more, seconds = [path for path in again if path in digests], self.folder / "more.lines", {}
            if here:
                seconds = self._run_recorded(here, packages, more)
                recording.add(more)
            recorded = known.merged(again, digests, seconds)
        recording.write(recorded)
        return Executed(recorded.seconds, recording.data())

    def _run_recorded(self, tests: list[str], packages: list[str], lines: Path) -> dict[str, float]:
        """Record the lines that tests execute; the seconds of those that pass."""
        seconds = self.folder / "executed.seconds"
        recorded = {
            "EXECUTED_LINES": str(lines),
            "EXECUTED_SECONDS": str(seconds),
            "EXECUTED_SOURCES": ":".join(packages),
        }
        with self._pytest("-p", "executed_lines", *tests, environment=recorded) as running:
            output, _ = running.communicate()
        if not seconds.exists():
            raise RuntimeError(f"the tests do not run without a mutant:\n{output[-4000:]}")
        found: dict[str, float] = json.loads(seconds.read_text(encoding="utf-8"))
        return found

    def judge(self, chosen: list[Mutant], executed: Executed) -> Iterator[tuple[Mutant, str]]:
        """Judge mutants: "killed", "survived", or "not executed" where no test executes the changed line."""
        tests = {mutant: executed.tests_of(mutant) for mutant in chosen}
        yield from ((mutant, "not executed") for mutant in chosen if not tests[mutant])
        rest = [mutant for mutant in chosen if tests[mutant]]
        limits = {test: 10 * seconds + 10 for test, seconds in executed.seconds.items()}
        for mutant, result in self._forked(
            rest, {m: {test: limits[test] for test in tests[m]} for m in rest}
        ):
            if result == "elsewhere":
                result = "survived" if self._passes(mutant, tests[mutant], executed.seconds) else "killed"
            yield mutant, result

    def _forked(
        self, chosen: list[Mutant], limits: dict[Mutant, dict[str, float]]
    ) -> Iterator[tuple[Mutant, str]]:
        """Judge mutants in forks of one process that has collected all tests (forked_mutants.py)."""
        rows = [{"path": m.path, "site": m.site, "tests": limits[m]} for m in chosen]
        work = self.folder / "forked.mutants"
        work.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
        reading, writing = os.pipe()
        environment = {"FORKED_MUTANTS": str(work), "FORKED_RESULTS": str(writing)}
        tests = sorted({test.split("::")[0] for row in limits.values() for test in row})
        with (
            self._pytest(
                "-p", "forked_mutants", *tests, environment=environment, passed=(writing,)
            ) as running,
            open(reading, encoding="utf-8") as results,
        ):
            os.close(writing)
            for mutant in chosen:
                if not (line := results.readline()):
                    raise RuntimeError(f"the tests cannot be forked:\n{running.communicate()[0][-4000:]}")
                yield mutant, line.strip()

    def _passes(self, mutant: Mutant, tests: list[str], seconds: dict[str, float]) -> bool:
        """Run tests in a process of their own, with the changed file, until one fails or takes too long."""
        target = self.folder / mutant.path
        original = target.read_text(encoding="utf-8")
        target.write_text(mutated(original, mutant.site), encoding="utf-8")
        limit_s = 10 * max(seconds[test] for test in tests) + 10
        try:
            with self._pytest("-x", "-o", f"timeout={limit_s}", *tests) as running:
                try:
                    running.communicate(timeout=5 * sum(seconds[test] for test in tests) + 2 * limit_s)
                except subprocess.TimeoutExpired:
                    running.kill()
                    return False
                return running.returncode in PASSED
        finally:
            target.write_text(original, encoding="utf-8")

    def _pytest(
        self, *arguments: str, environment: dict[str, str] | None = None, passed: tuple[int, ...] = ()
    ) -> subprocess.Popen[str]:
        shutil.rmtree(self.folder / ".hypothesis", ignore_errors=True)  # examples of other mutants
        options = [
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:xdist",
            f"--basetemp={self.folder / 'temporary'}",
        ]
        paths = os.pathsep.join((str(self.folder), str(self.folder / "tools")))
        own = {"PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1", "DIORAMA_SEED": "1"}
        return subprocess.Popen(
            [sys.executable, "-m", "pytest", *options, *arguments],
            cwd=self.folder,
            env=os.environ | own | (environment or {}),
            pass_fds=passed,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


def folders_of(path: str) -> tuple[str, ...]:
    """The folders with the tests of a file, each with a slash at its end."""
    found = next(tests for package, tests in TESTS.items() if path.startswith(f"{package}/"))
    return tuple(f"{folder}/" for folder in found)


def run(chosen: list[Mutant], jobs: int, kept: Path | None = None) -> Iterator[tuple[Mutant, str]]:
    """Judge mutants in copies of the project, as they are done; `kept` is the folder of the recording."""
    with tempfile.TemporaryDirectory() as top, ThreadPoolExecutor(jobs) as pool:
        copies = [Copy(Path(top) / str(number)) for number in range(jobs)]
        executed = copies[0].record(
            sorted({folder for mutant in chosen for folder in folders_of(mutant.path)}),
            [package for package in TESTS if any(m.path.startswith(f"{package}/") for m in chosen)],
            kept,
        )
        print(f"{len(executed.seconds)} tests take {sum(executed.seconds.values()):.0f} s", flush=True)
        begun = time.monotonic()
        done: Queue[tuple[Mutant, str]] = Queue()

        def work(copy: Copy, part: list[Mutant]) -> None:
            for row in copy.judge(part, executed):
                done.put(row)

        works = [pool.submit(work, copy, chosen[number::jobs]) for number, copy in enumerate(copies)]
        for _ in chosen:
            while done.empty() and not any(one.done() and one.exception() for one in works):
                time.sleep(0.1)
            if done.empty():
                break
            yield done.get()
        for one in works:
            one.result()
        print(f"{len(chosen)} mutants took {time.monotonic() - begun:.0f} s", flush=True)


def main() -> int:
    """Give 0 where at most 5 % survive."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--packages", nargs="+", default=list(TESTS), help="folders (default: %(default)s)")
    parser.add_argument("--count", type=int, default=240, help="how many mutants (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="chooses them (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="copies at work at once")
    parser.add_argument("--out", type=Path, help="write the results as JSON")
    parser.add_argument("--recorded", type=Path, help="keep what tests execute in this folder, and reuse it")
    parser.add_argument("--only", nargs="+", help="judge these mutants alone: path:site")
    options = parser.parse_args()
    everything = {package: mutants_in(package) for package in options.packages}
    chosen = choose(everything, options.count, options.seed)
    if options.only:
        found = [mutant for mutants in everything.values() for mutant in mutants]
        chosen = [mutant for mutant in found if f"{mutant.path}:{mutant.site}" in options.only]
    if not chosen:
        parser.error("no mutant is chosen")
    known = EQUIVALENT.read_text(encoding="utf-8").splitlines()
    equivalent = {line.rsplit("  # ", 1)[0] for line in known if not line.startswith("#")}
    for line in sorted(equivalent - {m.identity for package in TESTS for m in mutants_in(package)}):
        print(f"listed as equivalent, but no mutant: {line}")
    results: dict[str, list[Mutant]] = {
        name: [] for name in ("killed", "survived", "not executed", "equivalent")
    }
    results["equivalent"] = [mutant for mutant in chosen if mutant.identity in equivalent]
    kept = options.recorded and options.recorded.resolve()
    for mutant, result in run([m for m in chosen if m.identity not in equivalent], options.jobs, kept):
        results[result].append(mutant)
        print(f"{result:12} {mutant.path}:{mutant.site} {mutant}", flush=True)
        if options.out:
            rows = {name: [asdict(row) for row in found] for name, found in results.items()}
            write_whole(options.out, json.dumps(rows, indent=1).encode(), durable=False)
    counts = ", ".join(f"{len(found)} {name}" for name, found in results.items())
    unnoticed = len(results["survived"]) + len(results["not executed"])
    share = unnoticed / max(len(chosen) - len(results["equivalent"]), 1)
    print(f"{len(chosen)} mutants, seed {options.seed}: {counts}; {share:.1%} survived")
    return int(share > 0.05)


if __name__ == "__main__":
    sys.exit(main())
