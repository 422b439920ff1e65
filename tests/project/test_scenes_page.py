"""The page about scenes lists exactly the existing features, fields and asset types."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.assets import AssetType, ShaderFacts, ShaderStage
from engine.assets.files import FileGate
from engine.assets.importers.shader import import_glsl
from engine.assets.importers.shader_source import expand
from engine.feature import discover
from engine.humon import parse


@pytest.fixture(scope="module")
def page(root: Path) -> str:
    return (root / "docs/scenes.md").read_text(encoding="utf-8")


def test_the_table_of_features_has_every_field_with_its_help_and_default(page: str) -> None:
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)` \| (.*) \| (.*) \| (.*) \|$", page, re.MULTILINE)
    listed = {(feature, field): (default, text) for feature, field, _, default, text in rows}
    limits = {(feature, field): what for feature, field, what, *_ in rows}
    registry = discover("features")
    fields = {(name, field.name): field for name in registry for field in registry[name].fields}
    assert listed.keys() == fields.keys()
    for key, field in fields.items():
        default, text = listed[key]
        assert text == field.help
        assert limits[key].endswith(field.range_text()), "with their unit"
        if field.required:
            assert default == "required"
        elif field.optional:
            assert default == "none"
        elif isinstance(field.default, tuple):
            assert [float(number) for number in default.strip("`[]").split()] == pytest.approx(field.default)
        elif isinstance(field.default, bool):
            assert default.strip("`") == str(field.default).lower()
        elif isinstance(field.default, float):
            assert float(default.strip("`")) == field.default
        else:
            assert default.strip("`") == str(field.default).replace("True", "true")


UNITS = r"metres|meters|seconds|kelvin|degrees|radians|pixels|points|lux|EV|hertz|per metre"


def test_no_field_of_numbers_has_its_unit_in_its_help_alone() -> None:
    registry = discover("features")
    numbers = [(name, field) for name in registry for field in registry[name].fields if field.kind.numeric]
    unmarked = [
        f"{name}.{field.name}" for name, field in numbers if re.match(UNITS, field.help) and not field.unit
    ]
    assert not unmarked
    units = {(name, field.name): field.unit for name, field in numbers}
    assert units["light", "temperature"] == "K"
    assert units["light", "range"] == units["light", "shadowDistance"] == "m"
    assert units["areaMap", "extent"] == units["areaMap", "depth"] == "m"
    assert units["spin", "speed"] == "degrees/s"


def test_the_table_of_assets_has_every_type(page: str) -> None:
    listed = re.findall(r"^\| `(\w+)` \| [^|]+ \|$", page.split("## Assets")[1], re.MULTILINE)
    assert sorted(listed) == sorted(kind.value for kind in AssetType)


def test_the_pieces_of_humon_parse(page: str) -> None:
    humon = re.sub(r"```.*?```", "", page, flags=re.DOTALL)
    pieces = re.findall(r"(?:^    .*\n|^\n)+", humon, re.MULTILINE)
    read = [parse(piece, "docs/scenes.md") for piece in pieces if piece.strip()]
    assert len(read) == 5


def test_the_vertex_shader_of_the_page_compiles_with_the_builtin_includes(
    page: str, root: Path, tmp_path: Path
) -> None:
    (text,) = re.findall(r"```glsl\n(.*?)```", page, re.DOTALL)
    for name in ("frame.glsl", "draws.glsl"):
        (tmp_path / name).write_text((root / "assets/builtin/shader" / name).read_text())
    (tmp_path / "page.vs.glsl").write_text(text)
    source = expand(tmp_path / "page.vs.glsl", FileGate(tmp_path))
    made = import_glsl(source, ShaderStage.VERTEX, "main")
    assert isinstance(made.facts, ShaderFacts)
    assert {binding.name for binding in made.facts.reflection.bindings} == {"frame", "instances", "draws"}
