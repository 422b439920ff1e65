"""Objects are added, removed and found by path; rows are reused and old handles become stale."""

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule
from support.sampling import amount

from engine.tableau import ROOT, FeatureSchema, NameTaken, StaleHandle, Tableau
from engine.tableau.names import invalid_name_reason
from engine.tableau.schema import asset_field, float_field

SCHEMAS = (
    FeatureSchema("visibleModel", (asset_field("asset", types=("model",)),)),
    FeatureSchema("light", (float_field("intensity", 3.0, minimum=0),)),
)


@pytest.fixture
def tableau():
    made = Tableau(SCHEMAS)
    made.add_object("camera")
    made.add_object("reticle", "camera")
    return made


def test_an_object_is_found_by_its_path(tableau):
    handle = tableau["camera/reticle"]
    assert (handle.name, handle.path) == ("reticle", "camera/reticle")
    assert handle.parent == tableau["camera"]
    assert tableau["camera"].children == (handle,)
    assert tableau.level[handle.index] == 1


def test_a_wrong_path_suggests_the_nearest_name(tableau):
    with pytest.raises(KeyError, match="did you mean 'reticle'"):
        tableau["camera/reticl"]
    with pytest.raises(KeyError, match="did you mean 'camera'"):
        tableau["Camera"]
    assert "camera/reticle" in tableau
    assert "reticle" not in tableau


def test_removing_an_object_removes_its_descendants_and_makes_handles_stale(tableau):
    camera, reticle = tableau["camera"], tableau["camera/reticle"]
    tableau.remove("camera")
    assert len(tableau) == 0
    assert not camera.alive
    assert not reticle.alive
    with pytest.raises(StaleHandle):
        _ = reticle.translation


def test_a_row_is_reused_with_another_generation(tableau):
    old = tableau["camera/reticle"]
    tableau.remove(old)
    new = tableau.add_object("lamp")
    assert new.index == old.index
    assert new.alive
    assert not old.alive
    assert new.translation.tolist() == [0, 0, 0]
    assert new.parent is None


def test_a_reused_row_has_the_defaults(tableau):
    first = tableau.add_object("lamp", translation=(1, 2, 3), scale=(2, 2, 2), enabled=False)
    first_row = first.index
    tableau.remove("lamp")
    second = tableau.add_object("bulb")
    assert second.index == first_row
    assert second.enabled
    assert second.scale.tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    "pair", [("Lamp", "lamp"), ("lamp", "lamp"), ("caf\u00e9", "cafe\u0301"), ("STRASSE", "straße")]
)
def test_siblings_that_differ_only_by_case_or_unicode_form_are_rejected(pair):
    tableau = Tableau()
    tableau.add_object(pair[0])
    with pytest.raises(NameTaken):
        tableau.add_object(pair[1])
    with pytest.raises(NameTaken):
        Tableau().add_objects(names=pair)
    assert len(tableau) == 1
    tableau.add_object(pair[1], pair[0])  # no siblings


@pytest.mark.parametrize("name", ["", "a/b", "@a", "a\nb", "\x7f", "x" * 256])
def test_names_that_would_break_paths_or_terminals_are_rejected(name):
    tableau = Tableau()
    with pytest.raises(ValueError, match="cannot name an object"):
        tableau.add_object(name)
    assert len(tableau) == 0


def test_a_bad_feature_adds_no_object():
    tableau = Tableau(SCHEMAS)
    for features in ({"lihgt": {}}, {"light": {"intensty": 1}}, {"light": {"intensity": -1}}):
        with pytest.raises((KeyError, ValueError)):
            tableau.add_object("lamp", features=features)
    assert len(tableau) == 0


def test_bulk_and_single_calls_make_the_same_tableau():
    translation = np.random.default_rng(3).normal(size=(20, 3)).astype(np.float32)
    bulk, single = Tableau(), Tableau()
    rows = bulk.add_objects(translation=translation, prefix="o")
    bulk.add_objects(names=[f"child{i}" for i in range(20)], parent=rows, translation=translation)
    for i in range(20):
        single.add_object(f"o{i}", translation=translation[i])
    for i in range(20):
        single.add_object(f"child{i}", f"o{i}", translation=translation[i])
    bulk.update_world()
    single.update_world()
    np.testing.assert_array_equal(bulk.placement, single.placement)
    assert bulk["o7/child7"].path == "o7/child7"


def test_objects_added_by_matrices_have_those_world_matrices():
    made = Tableau()
    rows = made.add_objects(
        translation=[(1, 2, 3), (4, 5, 6)], rotation=[(0, 0.6, 0, 0.8), (1, 0, 0, 0)], scale=(2, 1, 0.5)
    )
    made.update_world()
    again = Tableau()
    again.add_objects(transforms=made.world(rows))
    again.update_world()
    np.testing.assert_allclose(again.placement, made.placement, atol=1e-5)


def test_columns_are_read_only():
    tableau = Tableau(SCHEMAS)
    tableau.add_object("lamp", features={"light": {}})
    for column in (
        tableau.translation,
        tableau.origin,
        tableau.placement,
        tableau.mirrored,
        tableau.flags("active"),
        tableau.tables["light"].object,
    ):
        with pytest.raises(ValueError, match="read-only"):
            column[0] = 0


class Shadowed(RuleBasedStateMachine):
    """A tableau and a plain dict of paths, which must always agree."""

    objects = Bundle("objects")

    def __init__(self):
        super().__init__()
        self.tableau = Tableau(SCHEMAS)
        self.model = {}
        self.serial = 0

    @rule(target=objects, above=st.none() | objects, shift=st.integers(-3, 3))
    def add(self, above, shift):
        if above is not None and above not in self.model:
            above = None
        self.serial += 1
        path = f"{above}/n{self.serial}" if above else f"n{self.serial}"
        handle = self.tableau.add_object(
            f"n{self.serial}", above, translation=(shift, 0, 0), features={"light": {}}
        )
        self.model[path] = [shift, True, True, handle]
        return path

    @rule(path=objects)
    def remove(self, path):
        if path in self.model:
            self.tableau.remove(path)
            for gone in [p for p in self.model if p == path or p.startswith(path + "/")]:
                assert not self.model.pop(gone)[3].alive

    @rule(path=objects, shift=st.integers(-3, 3))
    def move(self, path, shift):
        if path in self.model:
            self.tableau[path].translation = (shift, 0, 0)
            self.model[path][0] = shift

    @rule(path=objects, value=st.booleans(), flag=st.sampled_from(("active", "enabled")))
    def flag(self, path, value, flag):
        if path in self.model:
            setattr(self.tableau[path], flag, value)
            self.model[path][1 if flag == "active" else 2] = value

    @rule(value=st.booleans())
    def top(self, value):
        self.tableau.enabled = value

    @rule()
    def settle(self):
        self.tableau.update_world()

    def above(self, path):
        parts = path.split("/")
        return [self.model["/".join(parts[: i + 1])] for i in range(len(parts))]

    @invariant()
    def same_objects_and_flags(self):
        assert len(self.tableau) == len(self.model)
        table = self.tableau.tables["light"]
        enabled = set(table.rows_enabled().tolist())
        active = set(table.rows_active().tolist())
        for path, (_, _, _, handle) in self.model.items():
            assert handle.alive
            assert handle.path == path
            chain = self.above(path)
            is_active = all(entry[1] for entry in chain)
            is_enabled = all(entry[2] for entry in chain) and self.tableau.enabled
            assert handle.effective_active == is_active
            assert handle.effective_enabled == is_enabled
            row = handle.light.row
            assert (row in active) == is_active
            assert (row in enabled) == (is_active and is_enabled)

    @invariant()
    def same_world_after_update(self):
        before = self.tableau.placement.copy()
        dirty = np.zeros(len(before), bool)
        for first, last in self.tableau.update_world():
            dirty[first:last] = True
        for path, (_, _, _, handle) in self.model.items():
            assert handle.world[3, 0] == sum(entry[0] for entry in self.above(path))
        changed = (before != self.tableau.placement).any(axis=(1, 2)) & (self.tableau.level >= 0)
        assert not (changed & ~dirty).any()


TestShadowed = Shadowed.TestCase
TestShadowed.settings = settings(max_examples=amount(20, 160), stateful_step_count=30)


def test_the_parent_of_a_top_object_is_the_root():
    tableau = Tableau()
    assert tableau.parent_of(tableau.add_object("a").index) == ROOT


def test_objects_without_names_get_names_that_no_other_has_even_after_removals():
    tableau = Tableau()
    tableau.add_objects(6)
    for name in ("object1", "object3"):
        tableau.remove(name)
    rows = tableau.add_objects(3)
    assert [tableau.name_of(row) for row in rows.tolist()] == ["object6", "object7", "object8"]
    tableau.remove("object8")
    assert tableau.name_of(int(tableau.add_objects(1)[0])) == "object9"


@pytest.mark.parametrize("name", ["👩\u200d👩\u200d👧", "❤\ufe0f", "می\u200cخواهم", "a\u200db"])
def test_a_name_may_have_joiners_and_variation_selectors_inside(name):
    assert invalid_name_reason(name) == ""
    tableau = Tableau([])
    tableau.add_object(name)
    assert tableau[name].name == name


@pytest.mark.parametrize(
    "name", ["\u200da", "a\u200c", "a\u202eb", "\u2066a\u2069", "a\u200bb", "a\x00b", "\u200d"]
)
def test_a_name_has_no_characters_of_direction_or_control_and_no_joiners_at_its_ends(name):
    assert invalid_name_reason(name)
    with pytest.raises(ValueError, match="cannot name an object"):
        Tableau([]).add_object(name)
