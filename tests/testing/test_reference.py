"""Claims about docs/testing-reference.md: it lists every public name with its arguments."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

import engine.testing as testing
from engine.testing import Faults, OpenedScene, open_scene


@pytest.fixture
def page(root: Path) -> str:
    return (root / "docs" / "testing-reference.md").read_text(encoding="utf-8")


def test_every_name_is_on_the_page(page):
    assert not [name for name in testing.__all__ if not re.search(rf"\b{name}\b", page)]


def test_every_name_can_be_imported_and_no_other(page):
    assert all(getattr(testing, name) is not None for name in testing.__all__)
    with pytest.raises(AttributeError, match="no attribute 'open_seen'"):
        testing.open_seen  # noqa: B018


def test_open_scene_takes_exactly_the_arguments_on_the_page(page):
    rows = page.split("## Opening")[1].split("## The scene")[0]
    listed = re.findall(r"^\| `(\w+)` \|", rows, re.MULTILINE)
    assert listed == list(inspect.signature(open_scene).parameters)


def test_assertions_take_the_arguments_on_the_page(page):
    rows = re.findall(r"^\| `(?:with )?(assert_\w+)\((.*?)\):?` \|", page, re.MULTILINE)
    assert {name for name, _ in rows} == {name for name in testing.__all__ if name.startswith("assert_")}
    for name, arguments in rows:
        known = inspect.signature(getattr(testing, name)).parameters
        said = [part.strip().lstrip("*").partition("=")[0] for part in arguments.split(",")]
        assert list(known) == said, name


def test_every_fault_is_on_the_page(page):
    rows = page.split("## Faults")[1].split("## Marks")[0]
    public = {name for name, _ in inspect.getmembers(Faults, inspect.isfunction) if not name.startswith("_")}
    assert set(re.findall(r"^\| `faults\.(\w+)\(", rows, re.MULTILINE)) == public


def test_everything_public_of_a_scene_is_on_the_page(page):
    public = {name for name in dir(OpenedScene) if not name.startswith("_")} - {"close"}
    assert not [name for name in public if f"`{name}" not in page]
