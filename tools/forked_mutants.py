"""A pytest plugin of mutants.py: collects the tests once, and runs those of each mutant in a fork.

$FORKED_MUTANTS names a file with one JSON row per mutant: path, site, and its tests in their order, each with
the seconds that it may take. For each, a line goes to the file descriptor $FORKED_RESULTS: "killed",
"survived", or "elsewhere" where the change is in no function that can be replaced here, such as a constant of
a module. The first time that a test fails, it runs again without the mutant, after the same tests; if one
fails there too, it is left out from then on.
"""

from __future__ import annotations

import ast
import contextlib
import json
import os
import select
import shutil
import signal
import sys
from collections.abc import Iterator
from inspect import CO_OPTIMIZED
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any, NoReturn

import pytest
from executed_lines import clear_caches
from mutator import Mutator

Place = tuple[str, int]
"""Qualified name and first line of a function."""
Change = tuple[FunctionType, CodeType]
PASSED, FAILED = "passed", "failed"


def codes(code: CodeType) -> dict[Place, CodeType]:
    """The functions in the code of a module or class, those within functions left out."""
    found: dict[Place, CodeType] = {}
    for inner in (const for const in code.co_consts if isinstance(const, CodeType)):
        if inner.co_flags & CO_OPTIMIZED:  # not the body of a class
            found[inner.co_qualname, inner.co_firstlineno] = inner
        else:
            found |= codes(inner)
    return found


def functions(module: ModuleType) -> Iterator[FunctionType]:
    """The functions and methods that a module defines, within properties and caches, too."""
    holders: list[Any] = [module, *(value for value in vars(module).values() if isinstance(value, type))]
    for value in (value for holder in holders for value in list(vars(holder).values())):
        for name in (None, "__func__", "fget", "fset", "func", "__wrapped__"):
            inner = value if name is None else getattr(value, name, None)
            if isinstance(inner, FunctionType) and inner.__module__ == module.__name__:
                yield inner


def changes_of(path: str, site: int) -> list[Change]:
    """The function that a mutant changes, with its new code; none where it changes something else."""
    source = Path(path).read_text(encoding="utf-8")
    before = codes(compile(ast.parse(source), path, "exec"))
    after = codes(compile(Mutator(site).visit(ast.parse(source)), path, "exec"))
    changed = {place: code for place, code in after.items() if code != before.get(place)}
    module = sys.modules.get(path.removesuffix(".py").replace("/", "."))
    found = {}
    for function in functions(module) if module else ():
        place = function.__code__.co_qualname, function.__code__.co_firstlineno
        if place in changed:
            found[id(function)] = function, changed[place]
    return list(found.values())


class ForkedMutants:
    """Runs tests in forks instead of the loop of pytest."""

    def __init__(self) -> None:
        self.items: dict[str, pytest.Item] = {}
        self.sound: set[str] = set()
        self.left_out: set[str] = set()
        self.failed = False

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Judge all mutants."""
        self.items = {item.nodeid: item for item in session.items}
        with open(int(os.environ["FORKED_RESULTS"]), "w", encoding="utf-8") as results:
            for line in Path(os.environ["FORKED_MUTANTS"]).read_text(encoding="utf-8").splitlines():
                row = json.loads(line)
                changes = changes_of(row["path"], row["site"])
                print(
                    self._judge(changes, row["tests"]) if changes else "elsewhere", file=results, flush=True
                )
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note that a test has failed."""
        self.failed |= report.failed

    def _judge(self, changes: list[Change], limits: dict[str, float]) -> str:
        while limits := {test: limit for test, limit in limits.items() if test not in self.left_out}:
            failed = self._first_failure(changes, limits)
            if failed is None:
                break
            if failed in self.sound:
                return "killed"
            tests = list(limits)
            before = tests[: tests.index(failed) + 1]
            wrong = self._first_failure([], {test: limits[test] for test in before})
            if wrong is None:
                self.sound.add(failed)
                return "killed"
            self.left_out.add(wrong)
        return "survived"

    def _first_failure(self, changes: list[Change], limits: dict[str, float]) -> str | None:
        """Run tests in a fork until one fails, hangs or ends the process; its name, None where all pass."""
        shutil.rmtree(".hypothesis", ignore_errors=True)  # examples of other mutants
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            self._run(changes, list(limits), writing)
        os.close(writing)
        said, lines = b"", [next(iter(limits))]
        while lines[-1] not in (PASSED, FAILED) and select.select([reading], [], [], limits[lines[-1]])[0]:
            if not (more := os.read(reading, 1 << 16)):
                break
            said += more
            lines = said.decode().split("\n")[:-1]
        os.close(reading)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)  # with all that the tests have started
        os.waitpid(child, 0)
        return None if lines[-1] == PASSED else [line for line in lines if line != FAILED][-1]

    def _run(self, changes: list[Change], tests: list[str], writing: int) -> NoReturn:
        """Write the name of each test before it runs, and at the end how they went."""
        os.setsid()
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        try:
            for function, code in changes:
                clear_caches([function.__module__.rpartition(".")[0]])
                function.__code__ = code
            items = [self.items[test] for test in tests]
            for item, following in zip(items, [*items[1:], None], strict=True):
                os.write(writing, f"{item.nodeid}\n".encode())
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
                if self.failed:
                    break
            os.write(writing, f"{FAILED if self.failed else PASSED}\n".encode())
        finally:
            os._exit(0)


def pytest_configure(config: pytest.Config) -> None:
    """Take the place of the loop."""
    config.pluginmanager.register(ForkedMutants(), "forked mutants")
