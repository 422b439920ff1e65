"""Mutants are single changes of code, each judged by the tests that execute its line."""

from __future__ import annotations

import ast
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SOURCE = '''"""A module."""

from dataclasses import dataclass

LIMIT = 10


@dataclass
class Page:
    """A page."""

    size: int = 4

    def fits(self, more: int = 1) -> bool:
        """Whether more fits."""
        if (
            self.size + more
            < LIMIT
        ):
            print("fits")
            return True
        raise ValueError(f"{1 + 1}")
'''


@pytest.fixture
def mutator(root: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(root / "tools")
    import mutator

    return mutator


@pytest.fixture
def mutants(mutator: ModuleType) -> Any:
    pytest.importorskip("coverage")
    import mutants

    return mutants


@pytest.fixture
def found(mutator: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Any]:
    monkeypatch.setattr(mutator, "ROOT", tmp_path)
    path = tmp_path / "page.py"
    path.write_text(SOURCE, encoding="utf-8")
    return mutator.mutants_of(path)


def test_each_operator_number_and_statement_is_changed_once_and_words_are_not(found: list[Any]) -> None:
    assert [(mutant.line, mutant.before, mutant.after) for mutant in found] == [
        (5, "10", "11"),
        (12, "4", "5"),
        (14, "1", "2"),
        (17, "self.size + more", "self.size - more"),
        (17, "self.size + more < LIMIT", "self.size + more <= LIMIT"),
        (20, "print('fits')", "pass"),
        (21, "True", "False"),
        (16, "self.size + more < LIMIT", "not (self.size + more < LIMIT)"),
    ]
    assert [mutant.site for mutant in found] == list(range(8))


def test_a_mutant_differs_from_its_source_in_one_place(mutator: Any, found: list[Any]) -> None:
    whole = ast.unparse(ast.parse(SOURCE)).splitlines()
    for mutant in found:
        changed = mutator.mutated(SOURCE, mutant.site).splitlines()
        different = [(a, b) for a, b in zip(whole, changed, strict=True) if a != b]
        assert len(different) == 1, mutant


def test_a_statement_is_noticed_where_one_of_its_lines_is_executed(found: list[Any]) -> None:
    assert [mutant.executed for mutant in found] == [
        None,
        None,
        (14, 22),
        (16, 19),
        (16, 19),
        (20, 20),
        (21, 21),
        (16, 19),
    ]


class Lines:
    """Which tests execute which lines of every file, as coverage.py returns them."""

    def __init__(self, contexts: dict[int, list[str]]) -> None:
        self.contexts_by_lineno = lambda _path: contexts


def test_a_mutant_is_judged_by_the_tests_of_its_package_that_execute_it_the_fastest_first(
    mutator: Any, mutants: Any
) -> None:
    slow, fast, shared = (
        "tests/planning/a.py::slow",
        "tests/planning/a.py::fast",
        "tests/planning/b.py::shared",
    )
    other, elsewhere = "tests/planning/c.py::other", "tests/vk/d.py::elsewhere"
    seconds = {slow: 3.0, other: 0.5, shared: 2.0, fast: 1.0, elsewhere: 0.1}
    lines = Lines({7: ["", slow, elsewhere], 8: [fast, "tests/planning/b.py"], 9: [""]})
    executed = mutants.Executed(seconds, lines)

    def tests_of(span: tuple[int, int] | None) -> list[str]:
        return executed.tests_of(mutator.Mutant("engine/planning/x.py", 0, 7, "", "", "", span))

    assert tests_of((7, 8)) == [fast, shared, slow]
    assert tests_of((7, 7)) == [slow]
    assert tests_of((9, 9)) == []
    assert tests_of(None) == [fast, shared, slow, other]


def test_only_a_change_within_a_function_replaces_its_code(
    found: list[Any], mutator: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("coverage")
    import forked_mutants

    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    import page  # type: ignore[import-not-found]

    changes = [forked_mutants.changes_of("page.py", mutant.site) for mutant in found]
    assert [len(change) for change in changes] == [0, 0, 0, 1, 1, 1, 1, 1]
    assert {function for change in changes for function, _code in change} == {page.Page.fits}
    ((function, code),) = changes[6]
    kept = page.Page()
    assert kept.fits() is True
    function.__code__ = code
    assert kept.fits() is False


def test_a_recording_is_made_again_for_changed_test_files_alone_and_whole_for_anything_else(
    mutants: Any,
) -> None:
    import recording

    before = {
        "engine/a.py": "1",
        "tests/plan/test_a.py": "1",
        "tests/plan/test_b.py": "1",
        "tests/vk/test_c.py": "1",
    }
    scope = [["tests/plan"], ["engine"]]
    seconds = {"tests/plan/test_a.py::one": 1.0, "tests/plan/test_b.py::two": 2.0}
    known = recording.Recorded(scope, before, seconds)
    assert known.changed(scope, dict(before)) == []
    assert known.changed([["tests/plan"], ["engine", "viewer"]], before) is None
    assert known.changed(scope, {**before, "engine/a.py": "2"}) is None
    assert known.changed(scope, {**before, "tests/plan/conftest.py": "1"}) is None
    now = {**before, "tests/plan/test_b.py": "2", "tests/plan/test_d.py": "1", "tests/vk/test_c.py": "2"}
    del now["tests/plan/test_a.py"]
    again = known.changed(scope, now)
    assert again == [f"tests/plan/test_{name}.py" for name in "abd"]
    merged = known.merged(again, now, {"tests/plan/test_b.py::new": 3.0})
    assert merged == recording.Recorded(scope, now, {"tests/plan/test_b.py::new": 3.0})
    assert known.merged(["tests/plan/test_a.py"], now, {}).seconds == {"tests/plan/test_b.py::two": 2.0}


def test_a_recording_that_was_interrupted_counts_as_none(mutants: Any, tmp_path: Path) -> None:
    from recording import Recorded, Recording

    recording = Recording(tmp_path / "kept")
    recording.lines.write_text("lines")
    recorded = Recorded(
        [["tests/plan"], ["engine"]], {"engine/a.py": "1"}, {"tests/plan/test_a.py::one": 1.0}
    )
    recording.write(recorded)
    assert Recording(tmp_path / "kept").read() == recorded
    recording.clear()
    recording.lines.write_text("half of the new lines")
    assert Recording(tmp_path / "kept").read() is None
