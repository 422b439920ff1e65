"""Claims about the environments that passes sample: the first rows give them, and are asked after changes."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace

import pytest

from engine.assets import AssetRef, AssetType
from engine.feature import Feature, FeatureRows
from engine.graph import DeclarationError
from engine.planning.asset_cubes import AssetCubes
from engine.tableau import Tableau
from engine.tableau.schema import asset_field

BROKEN, MESH = AssetRef(1, 9), AssetRef(1, 8)


class Dome(Feature):
    type_name = "dome"
    fields = (asset_field("asset", types=("environment",)),)

    def __init__(self) -> None:
        self.asked = 0

    def cubes(self, rows: FeatureRows) -> Mapping[str, AssetRef]:
        self.asked += 1
        if any(int(key) == AssetRef(1, 7).key for key in rows["asset"]):
            raise RuntimeError("seven")
        return {"around": AssetRef.from_key(int(rows["asset"][0]))} if len(rows) else {}


class Later(Dome):
    type_name = "later"


class Other(Feature):
    type_name = "other"


class Library:
    """Only what is broken has a placeholder."""

    def usable(self, ref: AssetRef) -> AssetRef:
        return AssetRef(0, 0) if ref == BROKEN else ref

    def record(self, ref: AssetRef) -> SimpleNamespace:
        kind = AssetType.MESH if ref == MESH else AssetType.ENVIRONMENT
        return SimpleNamespace(type=kind, label=f"{kind} {ref.index}")


class Domes:
    """A tableau with domes that give these assets, one object each."""

    def __init__(self, *indices: int, feature: str = "dome") -> None:
        self.features = {"dome": Dome(), "later": Later(), "other": Other()}
        self.tableau = Tableau([one.schema for one in self.features.values()])
        self.reported: list[tuple[Feature, Exception]] = []
        self.cubes = AssetCubes(
            self.tableau,
            self.features,  # type: ignore[arg-type]
            Library(),  # type: ignore[arg-type]
            lambda feature, error: self.reported.append((feature, error)),
        )
        for number, index in enumerate(indices):
            self.add(f"dome{number}", index, feature)

    def add(self, name: str, index: int, feature: str = "dome") -> None:
        self.tableau.add_object(name, features={feature: {"asset": AssetRef(1, index)}})


def key(index: int) -> int:
    return AssetRef(1, index).key


def test_the_first_enabled_row_is_sampled_and_the_first_active_one_is_planned():
    domes = Domes(3, 4)
    assert domes.cubes.enabled() == domes.cubes.active() == {"around": key(3)}
    domes.tableau["dome0"].dome.enabled = False
    assert domes.cubes.enabled() == {"around": key(4)}
    assert domes.cubes.active() == {"around": key(3)}
    domes.tableau["dome1"].dome.enabled = False
    assert domes.cubes.enabled() == {}
    assert domes.cubes.active() == {"around": key(3)}
    domes.tableau["dome0"].dome.active = False
    assert domes.cubes.active() == {"around": key(4)}


def test_enabled_rows_are_asked_only_after_a_change():
    domes = Domes(3)
    first = domes.cubes.enabled()
    dome = domes.features["dome"]
    assert isinstance(dome, Dome)
    asked = dome.asked
    assert domes.cubes.enabled() is first
    assert dome.asked == asked
    domes.add("more", 5)
    assert domes.cubes.enabled() == first
    assert dome.asked == asked + 1


def test_a_broken_environment_is_its_placeholder():
    assert Domes(BROKEN.index).cubes.enabled() == {"around": AssetRef(0, 0).key}


def test_the_first_feature_that_gives_a_name_is_taken():
    domes = Domes(5, feature="later")
    assert domes.cubes.enabled() == {"around": key(5)}
    domes.add("dome", 6)
    assert domes.cubes.enabled() == {"around": key(6)}


def test_a_feature_that_raises_is_reported_and_the_others_give_theirs():
    for bad, kind, message in (
        (7, RuntimeError, "seven"),
        (MESH.index, DeclarationError, "the cube around is mesh 8, which is no environment"),
    ):
        domes = Domes(bad)
        domes.add("later", 5, "later")
        assert domes.cubes.enabled() == {"around": key(5)}
        ((feature, error),) = domes.reported
        assert feature.type_name == "dome"
        with pytest.raises(kind, match=message):
            raise error
