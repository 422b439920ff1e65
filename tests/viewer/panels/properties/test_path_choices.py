"""What a field can name: objects, and numbers of their fields, as its file has to write them."""

from __future__ import annotations

import pytest

from engine.tableau import ROOT, FeatureSchema, Tableau, find_object
from engine.tableau.schema import Names, angle_field, bool_field, color_field, float_field, text_field
from viewer.panels.properties.path_choices import PathChoices

LAMP = FeatureSchema(
    "lamp", (float_field("power", 1.0), angle_field("cone", 45.0), color_field("color", (1, 1, 1)))
)
DOOR = FeatureSchema("door", (bool_field("open", False), text_field("note")))


@pytest.fixture
def tableau() -> Tableau:
    """Two files among each other, `house` and `yard`, each with a `gate`; one `gate` is at the top."""
    made = Tableau([LAMP, DOOR])
    for root in ("house", "yard"):
        top = made.add_object(root)
        made.add_object("gate", parent=top, features={"door": {}})
        made.add_object("Light Ö", parent=top, features={"lamp": {}})
    made.add_object("gate")
    return made


def texts(tableau: Tableau, names: Names, search: str = "", root: int = ROOT, of: int = 0) -> list[str]:
    found = PathChoices(tableau)
    choices = found.matching(names, search, root)
    return [found.text(choices, number, of, root) for number in range(len(choices))]


def test_objects_are_found_by_all_words_of_a_search(tableau: Tableau) -> None:
    everything = texts(tableau, Names.OBJECT)
    assert everything == sorted(everything)
    assert len(everything) == 7
    assert texts(tableau, Names.OBJECT, "HOUSE ö") == ["house/Light Ö"]
    assert texts(tableau, Names.OBJECT, "house yard") == []


def test_numbers_are_those_of_fields_that_are_one_number(tableau: Tableau) -> None:
    assert texts(tableau, Names.NUMBER, "house") == [
        "house/Light Ö.lamp.power",
        "house/Light Ö.lamp.cone",
        "house/gate.door.open",
    ]
    assert texts(tableau, Names.NUMBER, "cone yard") == ["yard/Light Ö.lamp.cone"]
    assert texts(tableau, Names.NUMBER, "color") == []


def test_what_is_written_in_a_file_among_others_is_its_own_path_where_that_names_it(tableau: Tableau) -> None:
    house = tableau["house"].row
    of = tableau["house/Light Ö"].row
    written = texts(tableau, Names.OBJECT, root=house, of=of)
    assert written == ["Light Ö", "house/gate"], "`gate` alone is the one at the top"
    assert [find_object(tableau, path, of).path for path in written] == ["house/Light Ö", "house/gate"]
    assert texts(tableau, Names.NUMBER, "power", house, of) == ["Light Ö.lamp.power"]


def test_a_text_that_names_nothing_has_a_fault_and_an_empty_one_has_none(tableau: Tableau) -> None:
    found, of = PathChoices(tableau), tableau["house/gate"].row
    assert "did you mean 'gate'" in found.fault(Names.OBJECT, "house/gat", of)
    assert "no feature 'lamp'" in found.fault(Names.NUMBER, "gate.lamp.power", of)
    assert found.fault(Names.OBJECT, "", of) == found.fault(Names.OBJECT, "Light Ö", of) == ""
    assert found.fault(Names.NUMBER, "Light Ö.lamp.power", of) == ""
    assert found.named(Names.NUMBER, "Light Ö.lamp.power", of) == tableau["house/Light Ö"].row
    assert found.named(Names.OBJECT, "nothing", of) is None


def test_objects_that_come_later_are_found(tableau: Tableau) -> None:
    found = PathChoices(tableau)
    assert len(found.matching(Names.OBJECT, "shed")) == 0
    shed = tableau.add_object("shed")
    assert found.matching(Names.OBJECT, "shed").objects.tolist() == [shed.row]
    tableau.rearranging.rename(shed.row, "barn")
    assert len(found.matching(Names.OBJECT, "shed")) == 0
