"""The documents are right: links, files, commands, options and error codes."""

from __future__ import annotations

import argparse
import json
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from support.commands import in_this_process
from support.sources import modules_below, source_of

from engine.assets.codes import AssetCode
from engine.cli.main import main as engine
from engine.cli.main import make_parser as engine_parser
from engine.feature import Registry
from engine.gltf import GltfCode
from engine.graph import passes
from engine.humon import Code
from engine.obj import ObjCode
from engine.plan.terms import drawing_rows
from viewer.arguments import make_parser as viewer_parser
from viewer.main import main as viewer

DOCUMENTS = (
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "docs/assets.md",
    "docs/models.md",
    "docs/scenes.md",
    "docs/command-line.md",
    "docs/errors.md",
    "docs/storage.md",
    "docs/testing.md",
    "docs/testing-reference.md",
)
CODE = re.compile(r"[a-z]+\.[a-z_]+")
# Strings of that form that are not codes: names of files, packages, attributes and planned transients.
NO_CODES = {
    "assets.hu",
    "builtin.hu",
    "default.fs",
    "default.vs",
    "full.vs",
    "screen.vs",
    "diorama.features",
    "diorama.project",
    "plan.hu",
    "schedule.hu",
    "ui.fs",
    "ui.vs",
    "viewer.hu",
}
LINK = re.compile(r"\]\(([^)#]+?)(?:#[^)]*)?\)")
COMMENT = re.compile(r"\s+#.*")


@pytest.fixture(params=DOCUMENTS)
def document(request: pytest.FixtureRequest, root: Path) -> Path:
    return root / request.param


def code_lines(document: Path) -> Iterator[str]:
    """The lines of indented and fenced code, without comments."""
    fenced = False
    for line in document.read_text(encoding="utf-8").splitlines():
        if line.startswith("```"):
            fenced = not fenced
        elif fenced or line.startswith("    "):
            yield COMMENT.sub("", line.strip())


def options_of(parser: argparse.ArgumentParser) -> set[str]:
    return {
        option for action in parser._actions for option in action.option_strings if option.startswith("--")
    }


def commands() -> dict[str, argparse.ArgumentParser]:
    actions = engine_parser()._subparsers._group_actions[0].choices  # type: ignore[union-attr]
    assert isinstance(actions, dict)
    return actions


def test_every_link_leads_to_a_file(document: Path) -> None:
    links = [link for link in LINK.findall(document.read_text(encoding="utf-8")) if "://" not in link]
    assert not [link for link in links if not (document.parent / link).exists()]


def test_every_named_file_exists(document: Path, root: Path) -> None:
    named = re.findall(
        r"`((?:engine|features|viewer|tests|scenes|assets|docs|tools)/[\w./-]*)`",
        document.read_text(encoding="utf-8"),
    )
    assert not [name for name in named if not (root / name).exists()]


def test_every_make_target_exists(document: Path, root: Path) -> None:
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    text = document.read_text(encoding="utf-8")
    named = set(re.findall(r"(?:`|^ +)make ([a-z]+)", text, re.MULTILINE))
    assert named <= targets


def test_every_command_parses(document: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for line in code_lines(document):
        words = re.split(r"\s+", line)
        if "-m" not in words[:3]:
            continue
        module, arguments = words[words.index("-m") + 1], words[words.index("-m") + 2 :]
        if module in ("engine", "viewer") and arguments != ["--help"]:
            parser = engine_parser() if module == "engine" else viewer_parser()
            try:
                parser.parse_args(arguments)
            except SystemExit:
                pytest.fail(f"{document.name}: {line}\n{capsys.readouterr().err}")


@pytest.mark.parametrize("command", ["viewer", *commands()])
def test_the_command_line_page_names_exactly_the_options_there_are(root: Path, command: str) -> None:
    text = (root / "docs/command-line.md").read_text(encoding="utf-8")
    if command == "viewer":
        section = text.split("## `python -m viewer")[1].split("\n## ")[0]
        parser = viewer_parser()
    else:
        section = next(line for line in text.splitlines() if line.startswith(f"| `{command} "))
        parser = commands()[command]
    assert set(re.findall(r"--[a-z][a-z-]*", section)) == options_of(parser) - {"--help"}


def strings(path: Path) -> Iterator[str]:
    for value in source_of(path).strings:
        if CODE.fullmatch(value) and not (path.parent / (value.replace(".", "/") + ".py")).exists():
            yield value
        yield from re.findall(r"(?:error|warning)\[([a-z]+\.[a-z_]+)\]", value)


@cache
def names_in_sources(root: Path) -> set[str]:
    files = modules_below(root, "engine", "features", "viewer")
    return {name for path in files for name in strings(path)}


def test_the_list_of_errors_names_exactly_the_codes_there_are(root: Path) -> None:
    text = (root / "docs/errors.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `([a-z]+\.[a-z_]+)` \|", text, re.MULTILINE)
    assert len(listed) == len(set(listed)), "a code is listed twice"
    there = names_in_sources(root) - NO_CODES
    assert not there - set(listed), "give each new code its line in docs/errors.md"
    assert not set(listed) - there, "these codes are gone: take their lines out of docs/errors.md"


def test_the_meanings_in_the_list_are_those_of_the_sources(root: Path) -> None:
    text = (root / "docs/errors.md").read_text(encoding="utf-8")
    assert not [
        code
        for code in (*Code, *AssetCode, *GltfCode, *ObjCode)
        if f"| `{code}` | {code.meaning} |" not in text
    ]


def test_no_name_is_kept_out_of_the_list_that_is_not_in_the_sources(root: Path) -> None:
    assert names_in_sources(root) >= NO_CODES


def test_the_readme_begins_with_a_picture_and_the_two_commands(root: Path) -> None:
    text = (root / "README.md").read_text(encoding="utf-8")
    head = text[:1200]
    assert "](docs/cube.png)" in head
    assert "make cube" in head
    assert "make test" in head


def test_every_dependency_has_its_line_in_the_architecture(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    text = (root / "ARCHITECTURE.md").read_text(encoding="utf-8")
    names = [re.split(r"[>=<\[ ]", name)[0] for name in project["dependencies"]]
    assert not [name for name in names if not re.search(rf"^\| `{re.escape(name)}` \|", text, re.MULTILINE)]


def test_every_part_has_its_line_in_the_architecture(root: Path) -> None:
    parts = [path.name for path in (root / "engine").iterdir() if (path / "__init__.py").exists()]
    text = (root / "ARCHITECTURE.md").read_text(encoding="utf-8")
    assert not [part for part in parts if f"`engine/{part}`" not in text]


def test_what_is_planned_and_read_by_nothing_that_draws_is_listed(root: Path) -> None:
    parts = ("render", "planning", "graph", "memory", "runtime")
    files = modules_below(root, *(f"engine/{part}" for part in parts))
    read = {name for path in files for name in source_of(path).read}
    unread = {
        f"{declared.__name__}.{field.name}"
        for module in (passes, drawing_rows)
        for declared in vars(module).values()
        if isinstance(declared, type) and is_dataclass(declared)
        for field in fields(declared)
        if field.name not in read
    }
    section = (root / "ARCHITECTURE.md").read_text(encoding="utf-8").split("### Planned and not yet drawn")[1]
    listed = set(re.findall(r"^\| `(\w+\.\w+)`", section.split("\n## ")[0], re.MULTILINE))
    assert unread, "all is drawn: delete the section"
    assert unread <= listed


def test_the_feature_shown_to_contributors_is_one(root: Path) -> None:
    text = (root / "CONTRIBUTING.md").read_text(encoding="utf-8")
    source = text.split("```python\n")[1].split("```")[0]
    module = ModuleType("contributed_fog")
    sys.modules[module.__name__] = module
    try:
        exec(compile(source, "CONTRIBUTING.md", "exec"), vars(module))
        registry = Registry()
        registry.register_module(module)
    finally:
        del sys.modules[module.__name__]
    feature = registry["fog"]
    assert [field.name for field in feature.fields] == ["color", "density"]

    class Rows(dict[str, list[object]]):
        """One enabled row."""

        def __len__(self) -> int:
            return 1

    rows = Rows(color=[[0.5, 0.6, 0.7]], density=[0.1])
    frame = SimpleNamespace(enabled=lambda name: rows if name == "fog" else [])
    assert feature.frame_values(frame) == {"fog": [0.5, 0.6, 0.7, 0.1]}  # type: ignore[arg-type]
    empty = SimpleNamespace(enabled=lambda name: [])
    assert feature.frame_values(empty) == {}  # type: ignore[arg-type]


@pytest.mark.gpu
def test_the_commands_of_the_readme_do_what_it_says(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "build").mkdir(exist_ok=True)
    modules = {
        "engine": in_this_process(engine, root, capsys),
        "viewer": in_this_process(viewer, root, capsys),
    }
    lines = [line for line in code_lines(root / "README.md") if line.startswith(".venv/bin/python ")]
    assert len(lines) > 4
    reported = {}
    for line in lines:
        _, flag, module, *arguments = line.split()
        assert flag == "-m"
        done = modules[module](*arguments)
        assert done.returncode == 0, f"{line}\n{done.stderr}"
        reported[line] = done.stdout
    assert "leftOut: true" in next(text for line, text in reported.items() if "--budget" in line)
    report = json.loads((root / "build" / "cube.json").read_text(encoding="utf-8"))
    assert report["plan"]["planned_bytes"] == report["plan"]["live_bytes"] > 0
    pictures = [(root / "build" / f"{name}.png").read_bytes() for name in ("cube", "a", "b")]
    assert pictures[0] != pictures[1] == pictures[2], "enabled and active both take the shadow away"


SKETCH = {
    "| engine start | where |": 7,
    "| when there are changes, at the start too | where |": 9,
}
"""The tables in docs/assets.md that say where each line of the first sketch is done, and how many it has."""


@pytest.mark.parametrize("head", SKETCH)
def test_each_line_of_the_first_sketch_names_what_does_it(root: Path, head: str) -> None:
    known = {name for path in modules_below(root, "engine") for name in source_of(path).defined}
    _, _, table = (root / "docs/assets.md").read_text(encoding="utf-8").partition(head)
    rows = table.partition("\n\n")[0].strip().splitlines()[1:]
    assert len(rows) == SKETCH[head]
    for row in rows:
        named = set(re.findall(r"`([A-Za-z_][\w.]*)`", row.split(" | ")[1]))
        functions = {name for name in named if not name.endswith((".py", ".hu"))}
        assert functions, row
        assert functions <= known, row


def test_what_happens_to_a_save_is_done_by_what_exists(root: Path) -> None:
    known = {name for path in modules_below(root, "engine") for name in source_of(path).defined}
    text = (root / "docs/assets.md").read_text(encoding="utf-8").partition("\n## The diff")[0]
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    named = {name for row in rows for name in re.findall(r"`([A-Za-z_][\w.]*)`", row)}
    assert len(named) > 20
    assert {name for name in named if not name.endswith(".py")} <= known
