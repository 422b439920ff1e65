"""Feature tables: one row per object, flags that follow the tree, a log of changes."""

import numpy as np
import pytest

from engine.tableau import NO_ASSET, FeatureSchema, FieldKind, FieldSpec, StaleHandle, Tableau
from engine.tableau.journal import MAX_ENTRIES, Journal
from engine.tableau.schema import (
    Widget,
    angle_field,
    asset_field,
    choice_field,
    color_field,
    float_field,
)

SCHEMAS = (
    FeatureSchema("visibleModel", (asset_field("asset", types=("model",)),)),
    FeatureSchema("light", (float_field("intensity", 3.0, minimum=0), color_field("color", (1, 1, 1)))),
    FeatureSchema("halo", (), requires=("light",)),
    FeatureSchema("eclipse", (), conflicts=("light", "halo")),
    FeatureSchema(
        "camera",
        (
            angle_field("fovY", 45, minimum=1, maximum=179),
            choice_field("projection", "a", choices=("a", "b")),
        ),
    ),
)


@pytest.fixture
def tableau():
    made = Tableau(SCHEMAS)
    made.add_object("room")
    made.add_object("lamp", "room", features={"light": {"intensity": 2.0}})
    made.add_object("eye", "room", features={"camera": {}, "light": {"enabled": False}})
    return made


def test_fields_are_read_and_set_by_name(tableau):
    lamp = tableau["room/lamp"]
    assert lamp.light.intensity == lamp["light"]["intensity"] == 2.0
    lamp.light.intensity = 5
    lamp.light.color = (0.1, 0.2, 0.3)
    assert lamp.light.color == (0.1, 0.2, 0.3)
    table = tableau.tables["light"]
    assert table.column("intensity")[lamp.light.row] == 5


def test_a_handle_has_degrees_and_words_and_the_column_radians_and_numbers(tableau):
    camera = tableau["room/eye"].camera
    camera.fovY = 60
    camera.projection = "b"
    table = tableau.tables["camera"]
    assert table.column("fovY")[camera.row] == pytest.approx(np.pi / 3)
    assert table.column("projection")[camera.row] == 1
    assert (camera.fovY, camera.projection) == (60, "b")


def test_wrong_names_and_values_are_rejected_with_the_nearest_name(tableau):
    lamp = tableau["room/lamp"]
    with pytest.raises(AttributeError, match="did you mean 'intensity'"):
        lamp.light.intensty = 1
    with pytest.raises(AttributeError, match="did you mean light"):
        _ = lamp.ligth
    with pytest.raises(ValueError, match="at least 0"):
        lamp.light.intensity = -1
    with pytest.raises(ValueError, match="true or false"):
        lamp.light.enabled = "no"
    with pytest.raises(KeyError, match="lamp"):
        lamp["camera"]
    assert lamp.light.intensity == 2.0


def test_a_bulk_set_is_checked_like_a_single_one(tableau):
    table = tableau.tables["light"]
    with pytest.raises(ValueError, match="intensity"):
        table.set("intensity", table.rows_active(), [1.0, np.nan])
    with pytest.raises(KeyError, match="did you mean"):
        table.set("intensty", table.rows_active(), 1.0)
    camera = tableau.tables["camera"]
    camera.set("fovY", camera.rows_active(), np.radians(179))
    with pytest.raises(ValueError, match="from 1 to 179"):
        camera.set("fovY", camera.rows_active(), np.radians(180))


def test_disabled_rows_are_active_and_inactive_rows_are_not_enabled(tableau):
    table = tableau.tables["light"]
    assert len(table.rows_active()) == 2
    assert len(table.rows_enabled()) == 1
    tableau["room/lamp"].light.active = False
    assert len(table.rows_active()) == 1
    assert len(table.rows_enabled()) == 0


@pytest.mark.parametrize("flag", ["active", "enabled"])
def test_switching_off_a_parent_or_the_tableau_switches_off_all_below(tableau, flag):
    table = tableau.tables["light"]
    tableau["room/eye"].light.enabled = True
    rows = table.rows_active if flag == "active" else table.rows_enabled
    for owner in (tableau["room"], tableau):
        setattr(owner, flag, False)
        assert len(rows()) == 0
        setattr(owner, flag, True)
        assert len(rows()) == 2


def test_an_object_has_at_most_one_feature_of_a_type(tableau):
    with pytest.raises(ValueError, match="at most one light"):
        tableau.add_feature("light", tableau["room/lamp"])


def test_an_object_always_has_the_features_that_its_features_require(tableau):
    room, lamp = tableau["room"], tableau["room/lamp"]
    with pytest.raises(ValueError, match="halo on 'room' needs light on the same object"):
        tableau.add_feature("halo", [lamp, room])
    assert "halo" not in lamp
    tableau.add_feature("halo", lamp)
    with pytest.raises(ValueError, match="halo on 'room/lamp' needs light"):
        tableau.remove_feature("light", lamp)
    assert "light" in lamp
    tableau.remove_feature("halo", lamp)
    tableau.remove_feature("light", lamp)
    with pytest.raises(ValueError, match="halo on 'new' needs light"):
        tableau.add_object("new", features={"halo": {}})
    assert "new" not in tableau
    assert "halo" in tableau.add_object("new", features={"halo": {}, "light": {}})


def test_a_removed_feature_is_gone_and_its_reused_row_has_the_defaults(tableau):
    lamp = tableau["room/lamp"]
    light = lamp.light
    row = light.row
    tableau.remove_feature("light", lamp)
    assert "light" not in lamp
    with pytest.raises(StaleHandle):
        _ = light.intensity
    tableau.add_feature("light", tableau["room"])
    assert tableau["room"].light.row == row
    assert tableau["room"].light.intensity == 3.0


def test_removing_an_object_frees_the_rows_of_its_features(tableau):
    tableau.remove("room")
    for table in tableau.tables.values():
        assert len(table) == 0
        assert len(table.rows_active()) == 0


def test_versions_are_equal_while_nothing_changes(tableau):
    table = tableau.tables["light"]
    tableau.update_world()

    def seen():
        return tableau.structure_version, tableau.values_version, tableau.world_version, table.version

    before = seen()
    tableau.update_world()
    tableau["room/lamp"].light.intensity  # noqa: B018 (reading changes nothing)
    tableau["room"].active = True
    assert seen() == before
    tableau["room/lamp"].light.intensity = 1
    assert seen()[1] > before[1]
    assert seen()[3] > before[3]
    assert seen()[0] == before[0]
    tableau["room"].active = False
    assert seen()[0] > before[0]


def test_a_reader_gets_the_rows_that_changed_since_it_last_read(tableau):
    table = tableau.tables["light"]
    version = table.version
    lamp, eye = tableau["room/lamp"].light, tableau["room/eye"].light
    assert table.changes.since(version).tolist() == []
    lamp.intensity = 1
    assert table.changes.since(version).tolist() == [lamp.row]
    tableau["room/eye"].active = False
    assert table.version > version
    assert table.changes.since(version).tolist() == sorted((lamp.row, eye.row))


def test_a_journal_drops_old_entries_and_reports_it():
    journal = Journal()
    for i in range(MAX_ENTRIES + 10):
        journal.note(np.array([i], np.int32))
    assert journal.since(5) is None
    assert journal.since(journal.version - 2).tolist() == [MAX_ENTRIES + 8, MAX_ENTRIES + 9]
    journal.note(np.arange(1 << 19, dtype=np.int32))
    assert journal.since(journal.version - 2) is None
    assert len(journal.since(journal.version - 1)) == 1 << 19


def test_a_failed_feature_is_off_until_it_is_switched_on_again(tableau):
    table = tableau.tables["light"]
    lamp = tableau["room/lamp"].light
    table.switch_off(np.array([lamp.row], np.int32))
    assert lamp.failed
    assert lamp.active
    assert lamp.row not in table.rows_active()
    lamp.active = True
    assert not lamp.failed
    assert lamp.row in table.rows_active()


def test_an_asset_column_holds_keys_and_no_asset_by_default():
    tableau = Tableau(SCHEMAS)
    rows = tableau.add_objects(3)
    tableau.add_feature("visibleModel", rows[:2], {"asset": 1 << 32 | 7})
    tableau.add_feature("visibleModel", rows[2:])
    assert tableau.tables["visibleModel"].column("asset").tolist() == [1 << 32 | 7] * 2 + [NO_ASSET]


def test_features_of_an_object_are_listed_by_type(tableau):
    assert sorted(tableau["room/eye"].features) == ["camera", "light"]
    assert "camera" in tableau["room/eye"]
    assert "camera" not in tableau["room"]


def test_the_nearest_row_above_an_object_is_its_own_or_that_of_an_ancestor(tableau):
    tableau.add_object("hand", "room/eye")
    tableau.add_object("lens", "room/eye/hand", features={"light": {}})
    paths = ["room", "room/eye", "room/eye/hand", "room/eye/hand/lens", "room/lamp"]
    objects = np.array([tableau[path].row for path in paths], np.int32)
    eye, lens, lamp = (tableau[path] for path in ["room/eye", "room/eye/hand/lens", "room/lamp"])
    cameras = tableau.tables["camera"].nearest_above(objects).tolist()
    assert cameras == [-1, eye.camera.row, eye.camera.row, eye.camera.row, -1]
    lights = tableau.tables["light"].nearest_above(objects).tolist()
    assert lights == [-1, eye.light.row, eye.light.row, lens.light.row, lamp.light.row]
    assert tableau.tables["halo"].nearest_above(objects[:0]).tolist() == []


def test_features_that_conflict_are_never_on_one_object(tableau):
    tableau.add_object("dark", features={"eclipse": {}})
    with pytest.raises(ValueError, match="light on 'dark' conflicts with eclipse on the same object"):
        tableau.add_feature("light", tableau["dark"])
    tableau.add_object("lamp", features={"light": {}})
    with pytest.raises(ValueError, match="eclipse on 'lamp' conflicts with light on the same object"):
        tableau.add_feature("eclipse", tableau["lamp"])
    for names in (("light", "eclipse"), ("eclipse", "light")):
        with pytest.raises(ValueError, match="conflicts with"):
            tableau.add_object("both", features={name: {} for name in names})
    assert "both" not in tableau
    tableau.remove_feature("light", tableau["lamp"])
    tableau.add_feature("eclipse", tableau["lamp"])


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"requires": ("a",)}, "requires itself, or conflicts with itself"),
        ({"conflicts": ("a",)}, "requires itself, or conflicts with itself"),
        ({"requires": ("b",), "conflicts": ("b",)}, "can be on no object"),
        ({"at_most": -1}, "can be on no object"),
    ],
)
def test_a_feature_that_no_object_can_have_is_refused(more, message):
    with pytest.raises(ValueError, match=message):
        FeatureSchema("a", (), **more)


@pytest.mark.parametrize(
    ("spec", "widget", "unit", "limits"),
    [
        (float_field("a", 1, minimum=0, maximum=16, unit="m"), Widget.SLIDER, "m", "from 0 to 16 m"),
        (float_field("a", 1, minimum=0, unit="lx"), Widget.NUMBERS, "lx", "at least 0 lx"),
        (float_field("a", 1, minimum=0, maximum=1e9), Widget.NUMBERS, "", "from 0 to 1e+09"),
        (angle_field("a", 45, minimum=1, maximum=179), Widget.SLIDER, "degrees", "from 1 to 179"),
        (color_field("a", (1, 1, 1)), Widget.COLOR, "", "at least 0"),
        (choice_field("a", "x", choices=("x", "y")), Widget.MENU, "", ""),
        (asset_field("a", types=("model",)), Widget.ASSET, "", ""),
    ],
)
def test_a_field_says_how_it_is_edited_and_in_which_unit(spec, widget, unit, limits):
    assert (spec.widget, spec.unit, spec.range_text()) == (widget, unit, limits)


def test_what_is_no_number_has_no_unit():
    with pytest.raises(ValueError, match="is no number and has the unit 'm'"):
        FieldSpec("a", FieldKind.TEXT, "", unit="m")
