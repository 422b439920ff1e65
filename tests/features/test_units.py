"""Claims about the units of fields, of the built-in features and of the examples."""

from __future__ import annotations

import importlib.util
import inspect
import re
from pathlib import Path

import pytest
from support.scenes import ROOT

from engine.feature import Feature, discover
from engine.tableau.schema import FieldKind, FieldSpec

DIMENSIONLESS = {
    **dict.fromkeys(
        ["areaMap.opacity", "healthBar.opacity", "reticle.opacity", "animation.blend", "camera.viewport"],
        "a part of a whole",
    ),
    **dict.fromkeys(
        ["animation.speed", "skybox.intensity", "morph.weights", "bloom.strength", "water.ripples"],
        "a factor",
    ),
    **dict.fromkeys(
        ["healthBar.value", "healthBar.minimum", "healthBar.maximum"], "what the scene counts with it"
    ),
    "spin.axis": "a direction",
    "light.cascades": "a count",
    "light.intensity": "lux, candela or lumen, as the kind and the unit of the light say",
    "bloom.threshold": "light, of which 1 is the picture's white",
}
"""Numbers without a unit, each with its reason."""
UNITS = {"m", "s", "m/s", "K", "EV", "degrees", "degrees/s", "rad", "rad/s", "per m", "points", "pixels"}
NUMBERS = (FieldKind.FLOAT, FieldKind.INT, FieldKind.VEC3, FieldKind.VEC4, FieldKind.NUMBERS)
SAYS_A_UNIT = re.compile(r"\b(met(re|er)s?|seconds|radians?|kelvin|pixels?|points?)\b")
"""Help that says a unit which the field then does not have."""


def features() -> dict[str, Feature]:
    registry = discover()
    found = {name: feature for name, feature in registry.items() if registry.is_built_in(name)}
    for path in sorted((ROOT / "docs" / "features").glob("*/diorama_*.py")):
        found |= {one.type_name: one for one in features_of(path)}
    return found


def features_of(path: Path) -> list[Feature]:
    spec = importlib.util.spec_from_file_location(f"units_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    own = [one for _, one in inspect.getmembers(module, inspect.isclass) if one.__module__ == module.__name__]
    return [one() for one in own if issubclass(one, Feature)]


FIELDS = {f"{name}.{spec.name}": spec for name, feature in features().items() for spec in feature.fields}


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_each_number_with_a_dimension_has_its_unit(name: str) -> None:
    spec: FieldSpec = FIELDS[name]
    if spec.kind not in NUMBERS:
        assert spec.kind is not FieldKind.ANGLE or spec.unit == "degrees"
        return
    assert bool(spec.unit) != (name in DIMENSIONLESS)
    assert not spec.unit or spec.unit in UNITS
    assert spec.unit or not SAYS_A_UNIT.search(spec.help)


def test_what_needs_no_unit_is_a_field() -> None:
    assert DIMENSIONLESS.keys() <= FIELDS.keys()
