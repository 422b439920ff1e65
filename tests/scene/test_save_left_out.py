"""Saving scenes of which something is left out: it stays in the text as it is."""

import numpy as np
import pytest
from support.small_features import WRONG, same

from engine.humon import InputError
from engine.scene import load_scene

from .conftest import ASSETS

LIGHT = "{ @type: light  intensity: 8  cookie: [assetDb0 cube] }"
CASTER = "{ @type: shadowCaster  asset: [assetDb0 0]  bias: 5 }"


def kept(text):
    """The lines of what is left out, without their margins."""
    return [line.strip() for line in text.splitlines() if "keep" in line]


def test_what_is_left_out_stays_in_the_text_as_it_is(load, registry):
    scene = load(WRONG)
    tableau = scene.tableau
    assert not scene.save()
    tableau["cube"].scale = (2, 2, 2)
    tableau["cube"].visibleModel.active = False
    tableau["lamp"].light.intensity = 4
    tableau.add_object("sun", features={"light": {"intensity": 7}})
    tableau.add_feature("light", tableau["cube/hat"], {"intensity": 8})
    tableau.rearranging.reparent(np.array([tableau["lamp"].row], np.int32), tableau["sun"].row)
    assert scene.save()
    text = scene.path.read_text()
    edited = kept(WRONG)
    edited[3] = edited[3].replace("visibleModel", "visibleModel  active: false")
    edited[2] = edited[2].replace("keep 2 */", "keep 2 */  scale: [2 2 2]")
    edited[7] = edited[7].replace("hat: { }", f"hat: {{ features: [{LIGHT}] }}")
    edited[8] = edited[8].replace("intensity: 2", "intensity: 4")
    assert sorted(kept(text)) == sorted(edited)
    again = load_scene(scene.path, registry)
    same(tableau, again.tableau)
    assert sorted(each.code for each in again.left_out) == sorted(each.code for each in scene.left_out)
    assert not scene.save()


def test_a_value_that_is_wrong_is_replaced_where_it_is_set(load, registry):
    scene = load(WRONG)
    scene.tableau.active = False
    scene.tableau["cube"].translation = (1, 2, 3)
    scene.tableau["cube"].euler = (0, 45, 0)
    assert scene.save()
    text = scene.path.read_text()
    assert "active: false   " in text
    assert "translation: [1 2 3]   " in text
    assert "euler: [0 90 0] /* keep 2 */" in text
    same(scene.tableau, load_scene(scene.path, registry).tableau)


def test_a_wrong_field_is_replaced_where_it_is_set_and_stays_beside_others_that_are(load, registry):
    scene = load(WRONG)
    light = scene.tableau["glow"].light
    assert (light.intensity, light.kind, light.color, light.enabled) == (0, "directional", (1, 2, 0), True)
    assert light.cookie == scene.asset("assetDb0", "cube", ("model",)).key
    light.samples = 8
    assert scene.save()
    written = WRONG.replace("cookie: 5 }", "samples: 8  cookie: 5 }")
    assert scene.path.read_text() == written
    light.kind, light.color, light.intensity, light.enabled = "point", (1, 2, 0.5), 7, False
    light.cookie = scene.asset("assetDb0", "cube", ("model",)).key
    assert scene.save()
    for old, new in (("-2", "7"), ("pont", "point"), ("-3", "0.5"), ("enabled: 7", "enabled: false")):
        written = written.replace(old, new)
    assert scene.path.read_text() == written
    same(scene.tableau, load_scene(scene.path, registry).tableau)


def test_a_new_feature_comes_before_one_of_its_type_that_is_left_out(load, registry):
    """Of several the first counts. It is removed again without the other."""
    scene = load(WRONG)
    tableau = scene.tableau
    cube = scene.asset("assetDb0", "cube", ("model",)).key
    tableau.add_feature("shadowCaster", tableau["cube"], {"asset": cube, "bias": 4})
    assert scene.save()
    same(tableau, load_scene(scene.path, registry).tableau)
    assert kept(scene.path.read_text()) == kept(WRONG)
    tableau["cube"].shadowCaster.bias = 5
    assert scene.save()
    margin = " " * 16
    before = f"{margin}{CASTER}\n{margin}{{ @type: shadowCaster  asset: [assetDb0 cub] }}"
    assert before in scene.path.read_text()
    tableau.remove_feature("shadowCaster", tableau["cube"])
    assert scene.save()
    assert scene.path.read_text() == WRONG


def test_of_several_the_next_one_counts_where_the_first_was_removed(load, registry):
    more = "LAMP: { scale: [1 2 3] } cube: { features: [{ @type: light } { @type: light  intensity: 9 }] }"
    scene = load(f"{ASSETS}tableau: {{ objects: {{ lamp: {{ }} {more} }} }}")
    assert [each.code for each in scene.left_out] == ["object.name", "feature.duplicate"]
    scene.tableau.remove(scene.tableau["lamp"])
    scene.tableau.remove_feature("light", scene.tableau["cube"])
    assert scene.save()
    again = load_scene(scene.path, registry)
    assert not again.left_out
    assert again.tableau["LAMP"].scale.tolist() == [1, 2, 3]
    assert again.tableau["cube"].light.intensity == 9
    scene.tableau.add_feature("light", scene.tableau["cube"], {"intensity": 7})
    assert scene.save(), "it has not been read again"
    assert load_scene(scene.path, registry).tableau["cube"].light.intensity == 7


def test_of_keys_given_twice_the_first_is_changed_and_the_other_stays(load, registry):
    scene = load(WRONG)
    scene.tableau["cone"].scale = (7, 7, 7)
    scene.tableau["cone"].light.samples = 8
    scene.tableau["cone"].translation = (1, 0, 0)
    assert scene.save()
    written = WRONG.replace("[1 2 3]  scale", "[7 7 7]  scale").replace("samples: 2", "samples: 8")
    written = written.replace("cone: { scale", "cone: { translation: [1 0 0]  scale")
    assert scene.path.read_text() == written
    same(scene.tableau, load_scene(scene.path, registry).tableau)


def test_what_is_moved_leaves_what_has_its_key_where_it_is(load, registry):
    objects = "// first\n  a: { }\n  // second\n  a: 5\n  // own\n  b: { }\n  c: { }"
    text = f"tableau: {{ objects: {{\n  {objects}\n}} }}\n"
    scene = load(text)
    tableau = scene.tableau
    tableau.rearranging.reparent(np.array([tableau["b"].row], np.int32), tableau["c"].row)
    assert scene.save()
    head, tail = scene.path.read_text().split("  c: {")
    assert head == text.split("  // own")[0]
    assert "// own" in tail
    same(tableau, load_scene(scene.path, registry).tableau)


def named(tableau):
    tableau.add_object("brim", "cube")


def renamed(tableau):
    tableau.rearranging.rename(tableau["cube/hat"].row, "Brim")


def moved(tableau):
    tableau.rearranging.rename(tableau["lamp"].row, "brim")
    tableau.rearranging.reparent(np.array([tableau["brim"].row], np.int32), tableau["cube"].row)


def put_below(tableau):
    tableau.add_object("new", "stray")


def named_as_one_that_is_there_twice(tableau):
    tableau.rearranging.rename(tableau["stray"].row, "other")
    tableau.rearranging.rename(tableau["lamp"].row, "stray")


def put_in_place_of_one_that_is_there_twice(tableau):
    tableau.remove(tableau["stray"])
    tableau.add_object("stray")


def given_a_feature(tableau):
    tableau.add_feature("light", tableau["stray"])


@pytest.mark.parametrize(
    ("change", "code", "where"),
    [
        (named, "object.name", "brim: 5"),
        (renamed, "object.name", "brim: 5"),
        (moved, "object.name", "brim: 5"),
        (named_as_one_that_is_there_twice, "object.name", "stray: { features: ["),
        (put_in_place_of_one_that_is_there_twice, "object.name", "stray: { features: ["),
        (put_below, "value.kind", "objects: [1 2]"),
        (given_a_feature, "value.kind", "features: 7"),
    ],
)
def test_what_would_take_the_place_of_what_is_left_out_is_not_saved(load, change, code, where):
    scene = load(WRONG)
    change(scene.tableau)
    with pytest.raises(InputError) as caught:
        scene.save()
    (problem,) = caught.value.problems
    assert problem.code == code
    assert where in problem.excerpt
    assert scene.path.read_text() == WRONG
