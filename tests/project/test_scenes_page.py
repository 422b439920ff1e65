"""The page about scenes lists exactly the existing features, fields and asset types."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.assets import AssetType
from engine.feature import discover
from engine.humon import parse


@pytest.fixture(scope="module")
def page(root: Path) -> str:
    return (root / "docs/scenes.md").read_text(encoding="utf-8")


def test_the_table_of_features_has_every_field_with_its_help_and_default(page: str) -> None:
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)` \| (.*) \| (.*) \| (.*) \|$", page, re.MULTILINE)
    listed = {(feature, field): (default, text) for feature, field, _, default, text in rows}
    registry = discover("features")
    fields = {(name, field.name): field for name in registry for field in registry[name].fields}
    assert listed.keys() == fields.keys()
    for key, field in fields.items():
        default, text = listed[key]
        assert text == field.help
        if field.required:
            assert default == "required"
        elif isinstance(field.default, tuple):
            assert [float(number) for number in default.strip("`[]").split()] == pytest.approx(field.default)
        elif isinstance(field.default, float):
            assert float(default.strip("`")) == field.default
        else:
            assert default.strip("`") == str(field.default)


def test_the_table_of_assets_has_every_type(page: str) -> None:
    listed = re.findall(r"^\| `(\w+)` \| [^|]+ \|$", page.split("## Assets")[1], re.MULTILINE)
    assert sorted(listed) == sorted(kind.value for kind in AssetType)


def test_the_pieces_of_humon_parse(page: str) -> None:
    pieces = re.findall(r"(?:^    .*\n|^\n)+", page, re.MULTILINE)
    read = [parse(piece, "docs/scenes.md") for piece in pieces if piece.strip()]
    assert len(read) == 3
