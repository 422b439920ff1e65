"""Rules for every module: small, introduced by a sentence, finished, in a folder that is easy to survey."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import textwrap
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import pytest
from support.limits import limit
from support.sources import modules_below, source_of

from engine.humon import Problem

LONGEST = 500
MOST_IN_A_FOLDER = 16
# Folders with more modules, and why they are not divided.
LARGER_FOLDERS = {
    "engine/humon": "one language: its reader, writer, editor and formatter share lexis, nodes and problems",
}
# Module names that occur more than once in a part, and why.
SAME_NAMES: dict[str, str] = {}
MARKS = re.compile(r"\b(TODO|FIXME|XXX|HACK|NotImplementedError)\b")


def python_files(root: Path) -> list[Path]:
    return modules_below(root, "engine", "features", "viewer")


def test_no_module_is_longer_than_500_lines(root: Path) -> None:
    files = [*python_files(root), *sorted((root / "tests").rglob("*.py"))]
    lengths = {path.relative_to(root): len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    assert not {path: length for path, length in lengths.items() if length > LONGEST}


def test_every_module_opens_with_one_sentence(root: Path) -> None:
    wrong = []
    for path in python_files(root):
        text = source_of(path).docstring
        first = text.split("\n\n")[0].splitlines()
        if len(first) != 1 or not first[0].rstrip().endswith((".", ":", "!")):
            wrong.append(f"{path.relative_to(root)}: {text[:60]!r}")
    assert not wrong, "\n".join(wrong)


def exported(root: Path) -> Iterator[tuple[str, object]]:
    """Every name that a part of the engine exports, and what it is."""
    for path in sorted((root / "engine").glob("*/__init__.py")):
        module = import_module(f"engine.{path.parent.name}")
        for name in getattr(module, "__all__", ()):
            yield f"{module.__name__}.{name}", getattr(module, name)


def undocumented(value: object) -> bool:
    """Whether a class or function has no docstring of its own; dataclasses and enums make up some."""
    if not inspect.isclass(value) and not inspect.isroutine(value):
        return False
    tree = ast.parse(textwrap.dedent(inspect.getsource(value)))
    definition = tree.body[0]
    assert isinstance(definition, ast.ClassDef | ast.FunctionDef)
    return not ast.get_docstring(definition)


def test_every_exported_class_and_function_has_a_docstring_of_its_own(root: Path) -> None:
    names = dict(exported(root))
    assert len(names) > 150
    assert not [name for name, value in names.items() if undocumented(value)]


def test_a_docstring_that_is_inherited_or_made_up_is_none() -> None:
    @dataclass
    class MadeUp:
        field: int = 0

    class Inherited(Problem):
        pass

    assert undocumented(MadeUp)
    assert undocumented(Inherited)
    assert not undocumented(Problem)
    assert not undocumented(17)


def parts(root: Path) -> list[tuple[str, list[Path]]]:
    """The packages of the engine, and features and viewer, each with its modules."""
    tops = [*sorted(path for path in (root / "engine").iterdir() if path.is_dir()), root / "features"]
    return [
        (str(top.relative_to(root)), [path for path in sorted(top.rglob("*.py")) if path.stem[:2] != "__"])
        for top in (*tops, root / "viewer")
    ]


def crowded_folders(root: Path) -> dict[str, int]:
    counts = Counter(
        str(path.parent.relative_to(root)) for path in python_files(root) if path.stem != "__init__"
    )
    return {folder: count for folder, count in counts.items() if count > MOST_IN_A_FOLDER}


def repeated_names(root: Path) -> list[str]:
    wrong = []
    for part, files in parts(root):
        counts = Counter(path.stem for path in files)
        for path in files:
            if counts[path.stem] > 1 and path.stem not in SAME_NAMES:
                wrong.append(f"{path.relative_to(root)}: {part} has {counts[path.stem]} modules of that name")
    return wrong


def test_a_folder_has_at_most_16_modules(root: Path) -> None:
    assert crowded_folders(root).keys() == LARGER_FOLDERS.keys()


def test_no_module_name_stands_twice_in_a_part(root: Path) -> None:
    assert not repeated_names(root), "\n".join(repeated_names(root))


def test_a_crowded_folder_and_a_repeated_name_are_found(tmp_path: Path) -> None:
    for folder, name in (*(("plan/terms", f"module{i}") for i in range(17)), ("plan/text", "module3")):
        path = tmp_path / "engine" / folder / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert crowded_folders(tmp_path) == {"engine/plan/terms": 17}
    assert [line.partition(":")[0] for line in repeated_names(tmp_path)] == [
        "engine/plan/terms/module3.py",
        "engine/plan/text/module3.py",
    ]


def test_nothing_is_left_for_later(root: Path) -> None:
    left = [
        f"{path.relative_to(root)}:{number}: {line.strip()}"
        for path in python_files(root)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if MARKS.search(line)
    ]
    assert not left, "\n".join(left)


def test_no_exception_is_swallowed_unseen(root: Path) -> None:
    wrong = [
        f"{path.relative_to(root)}:{line}"
        for path in python_files(root)
        for line, caught, is_silent in source_of(path).handlers
        if is_silent and caught in ("everything", "Exception", "BaseException")
    ]
    assert not wrong, "\n".join(wrong)


def test_no_generated_file_is_committed(root: Path) -> None:
    if not (root / ".git").exists():
        pytest.skip("not a checkout: an archive holds no generated files to begin with")
    listed = subprocess.run(
        ["git", "ls-files"], cwd=root, capture_output=True, text=True, timeout=limit(60), check=True
    )
    endings = (".ogCache", ".pyc", ".lock", ".ini")
    generated = [name for name in listed.stdout.splitlines() if name.endswith(endings)]
    assert not generated
