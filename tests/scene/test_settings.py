"""`--set`: one value by its path, written as in a file."""

import numpy as np
import pytest

from engine.assets import AssetRef
from engine.humon import InputError
from engine.scene import apply_setting

from .conftest import ASSETS

TEXT = (
    ASSETS
    + """tableau: { objects: {
    cube: { features: [
        { @type: visibleModel  asset: [assetDb0 0] }
        { @type: shadowCaster  asset: [assetDb0 1] }
    ] }
    camera: { objects: { reticle: { } "a.b": { features: [ { @type: light } ] } } }
} }"""
)


@pytest.fixture
def scene(load):
    return load(TEXT)


def test_fields_flags_and_transforms_are_set_by_path(scene):
    tableau = scene.tableau
    scene.apply_setting("cube.shadowCaster.active=false")
    assert not tableau["cube"].shadowCaster.active
    scene.apply_setting("cube.shadowCaster.bias=2.5")
    assert tableau["cube"].shadowCaster.bias == 2.5
    scene.apply_setting("cube.shadowCaster.asset=[assetDb0 0]")
    assert tableau["cube"].shadowCaster.asset == AssetRef(1, 0).key
    scene.apply_setting("camera/reticle.enabled=false")
    assert not tableau["camera/reticle"].enabled
    scene.apply_setting("camera/reticle.translation=[1 2 3]")
    assert tableau["camera/reticle"].translation.tolist() == [1, 2, 3]
    scene.apply_setting("camera.euler = [0 90 0]")
    np.testing.assert_allclose(tableau["camera"].euler, (0, 90, 0), atol=1e-4)
    scene.apply_setting("camera/a.b.light.color=[1 0.5 0]")
    assert tableau["camera/a.b"].light.color == (1, 0.5, 0)
    scene.apply_setting("camera/a.b.light.cone=60")
    assert tableau.tables["light"].column("cone")[0] == pytest.approx(np.pi / 3)
    scene.apply_setting("camera/a.b.light.note='x = y'")
    assert tableau["camera/a.b"].light.note == "x = y"
    scene.apply_setting("camera/a.b.scale=[2 2 2]")
    assert tableau["camera/a.b"].scale.tolist() == [2, 2, 2]


@pytest.mark.parametrize(
    ("setting", "code", "hint"),
    [
        ("cube.shadowCaster.active", "setting.form", "PATH.FEATURE.FIELD=VALUE"),
        ("cube=1", "setting.form", ""),
        ("=1", "setting.form", ""),
        ("cub.shadowCaster.active=false", "object.unknown", "did you mean 'cube'"),
        ("camera/reticl.active=false", "object.unknown", "did you mean 'reticle'"),
        ("Cube.active=false", "object.unknown", "did you mean 'cube'"),
        ("cube.shadowcaster.active=false", "feature.unknown", "did you mean 'shadowCaster'"),
        ("camera.light.active=false", "feature.unknown", "it has no features"),
        ("cube.shadowCaster.actve=false", "field.unknown", "did you mean 'active'"),
        ("cube.actve=false", "field.unknown", "did you mean 'active'"),
        ("cube.shadowCaster.active=no", "value.boolean", ""),
        ("cube.shadowCaster.bias=17", "value.range", ""),
        ("cube.shadowCaster.bias=nan", "value.range", ""),
        ("cube.shadowCaster.bias=", "value.missing", "write the value behind `cube.shadowCaster.bias=`"),
        ("cube.shadowCaster.bias={", "humon.unclosed", ""),
        ("cube.shadowCaster.bias=1 2", "humon.after_root", "a list in brackets, as [1 2 3]"),
        ("cube.shadowCaster.bias=1,5", "humon.after_root", "write decimals with a point"),
        ("cube.shadowCaster.bias=[1]", "value.kind", "one word or number"),
        ("camera/a.b.light.color=red", "value.kind", "in brackets"),
        ("camera/a.b.light.color=[-1 0 0]", "value.range", "write `camera/a.b.light.color=[0 0 0]`"),
        ("camera/a.b.light.color=[1e39 0 0]", "value.range", "write numbers up to"),
        ("camera/a.b.light.note=[a]", "value.kind", "a text in quotes"),
        ("cube.shadowCaster.asset=cube", "asset.reference", "did you mean `[assetDb0 cube]`?"),
        ("cube.shadowCaster.asset=cbue", "asset.reference", "did you mean `[assetDb0 cube]`?"),
        ("cube.shadowCaster.asset=assetDb0", "asset.reference", "such as `[assetDb0 cube]`"),
        ("cube.shadowCaster.asset=[assetDb0]", "asset.reference", "the name of a database and of a"),
        ("cube.shadowCaster.asset={ a: b }", "asset.reference", "such as `[assetDb0 cube]`"),
        (".=1", "setting.form", "PATH.FEATURE.FIELD=VALUE"),
        ("tableau.actve=false", "object.unknown", "did you mean 'active'?"),
        ("cube.shadowCaster.asset=[assetDb0 4]", "asset.reference", ""),
        ("cube.shadowCaster.asset=[assetDb0 cub]", "asset.reference", "cube"),
        ("cube.translation=[1 2]", "value.count", ""),
        ("cube.translation=[1 2 1e39]", "value.range", ""),
        ("cube.translation=5", "value.kind", ""),
    ],
)
def test_a_wrong_setting_is_reported_with_the_nearest_name(scene, setting, code, hint):
    with pytest.raises(InputError) as caught:
        apply_setting(scene, setting)
    (problem,) = caught.value.problems
    assert problem.code == code
    assert f"--set {setting}" in problem.message
    assert hint in problem.help
    assert problem.help
    assert "None" not in problem.message
    assert "this entry" not in problem.message
    assert not str(caught.value).startswith("--set:")


def test_a_rejected_setting_changes_nothing(scene):
    before = scene.tableau.structure_version, scene.tableau.values_version
    for setting in ("cube.shadowCaster.bias=17", "cube.shadowCaster.active=no"):
        with pytest.raises(InputError):
            scene.apply_setting(setting)
    assert (scene.tableau.structure_version, scene.tableau.values_version) == before


def test_a_setting_of_what_is_left_out_is_no_second_problem(load):
    """As that is reported where it is; settings of anything else are wrong, as before."""
    scene = load(
        ASSETS
        + """tableau: { objects: {
        good: { features: [ { @type: shadowCster  bias: 2 } { @type: light } ] }
        cube: [ 1 ]
    } }"""
    )
    assert len(scene.left_out) == 2
    for setting in ("cube.enabled=false", "cube/part.light.active=false", "good.shadowCaster.bias=1"):
        scene.apply_setting(setting)
    for setting in ("cub.enabled=false", "other.enabled=false", "good.enbled=false"):
        with pytest.raises(InputError):
            scene.apply_setting(setting)
    scene.apply_setting("good.enabled=false")
    assert not scene.tableau["good"].enabled
