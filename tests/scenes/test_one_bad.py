"""Claims about scenes with one thing that does not fit: it costs one drawable, the others are as before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.one_bad import BAD_OBJECT, MISFITS, Misfit, make_project
from support.random_scenes import profile

from engine.planning.offline import plan_scene
from engine.testing import Faults, OpenedScene, assert_problems, open_scene
from features.shadow_caster import ShadowCaster
from features.visible_model import VisibleModel

SIZE = (96, 48)
BACKGROUND = (91, 99, 108)


@pytest.fixture(scope="module")
def intact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project without damage, cooked."""
    scene = make_project(tmp_path_factory.mktemp("one_bad") / "intact")
    assert plan_scene(scene, profile("lavapipe"), SIZE).problems == ()
    return scene


@pytest.fixture(scope="module")
def without(intact: Path) -> np.ndarray[Any, Any]:
    """The picture without the bad object."""
    scene = intact.with_name("without.hu")
    scene.write_text(intact.read_text().replace(BAD_OBJECT, ""))
    with opened(scene) as there:
        return np.asarray(there.frame()).astype(int)


def opened(scene: Path) -> OpenedScene:
    return open_scene(scene, size=SIZE)


def picture(scene: OpenedScene) -> np.ndarray[Any, Any]:
    scene.step(count=2)
    return np.asarray(scene.frame()).astype(int)


def assert_good_as_before(shown: np.ndarray[Any, Any], without: np.ndarray[Any, Any]) -> None:
    """The right half has the good object, and corners of both halves the background."""
    half = SIZE[0] // 2
    np.testing.assert_array_equal(shown[:, half:], without[:, half:])
    assert (shown[24, 70, :3] == (0, 255, 0)).all(), "the good object is drawn"
    assert (abs(shown[:3, :, :3] - BACKGROUND) <= 1).all(), "and so is the background"


@pytest.mark.parametrize("misfit", MISFITS, ids=lambda misfit: misfit.name)
def test_the_offline_plan_reports_each_misfit_once_with_its_place(
    misfit: Misfit, intact: Path, tmp_path: Path
):
    scene = misfit.damage(intact, tmp_path / "project")
    first, *others = plan_scene(scene, profile("lavapipe"), SIZE).problems
    assert (first.code, *dict.fromkeys(other.code for other in others)) == misfit.codes
    assert misfit.text in first.message
    assert first.position is not None
    assert Path(first.position.file) == scene.parent / misfit.at
    assert first.position.line == misfit.line(scene)


@pytest.mark.gpu
def test_each_misfit_costs_its_drawable_alone_and_is_reported_as_offline(
    sample: Any, intact: Path, without: np.ndarray[Any, Any], tmp_path: Path
):
    for number in sample.of(range(len(MISFITS)), 3):
        misfit = MISFITS[number]
        scene = misfit.damage(intact, tmp_path / str(number))
        offline = plan_scene(scene, profile("lavapipe"), SIZE).problems
        with opened(scene) as there:
            shown = picture(there)
            assert there.problems == offline, misfit.name
            assert len(there.tableau.tables["visibleModel"].rows_active()) == 2, misfit.name
            assert len(there.tableau.tables["shadowCaster"].rows_active()) == 2, misfit.name
        assert_good_as_before(shown, without)
        left = shown[:, : SIZE[0] // 2, :3]
        assert (abs(left - BACKGROUND).max(axis=2) > 60).mean() > 0.05, f"{misfit.name}: the placeholder"


LATE = [misfit for misfit in MISFITS if misfit.codes in (("shader.interface",), ("mesh.index",))]


@pytest.mark.gpu
@pytest.mark.parametrize("how", ["active", "object", "asset"])
def test_a_misfit_that_comes_later_costs_the_same_and_is_reported_once(
    how: str, sample: Any, intact: Path, without: np.ndarray[Any, Any], tmp_path: Path
):
    (number,) = sample.of(range(len(LATE)), 1)[:1]
    scene = LATE[number].damage(intact, tmp_path / "project")
    if how != "active":
        scene.write_text(intact.read_text().replace(BAD_OBJECT, ""))
    with opened(scene) as there:
        expected = there.problems
        if how == "active":
            there["bad"].active = False
            np.testing.assert_array_equal(picture(there), without)
            there["bad"].active = True
        else:
            bad = {"asset": there.document.asset("db", "bad", ("model",))}
            good = {"asset": there.document.asset("db", "good", ("model",))}
            late = there.tableau.add_object(
                "late",
                translation=(-0.7, 0, 0),
                features={"visibleModel": bad if how == "object" else good},
            )
            if how == "asset":
                picture(there)
                late.visibleModel.asset = bad["asset"]
        assert_good_as_before(picture(there), without)
        for _ in range(2):
            there["good"].enabled = False
            picture(there)
            there["good"].enabled = True
        assert_good_as_before(picture(there), without)
        problems = there.problems
    assert len(set(problems)) == len(problems) == max(1, len(expected))


@pytest.mark.gpu
@pytest.mark.parametrize("method", ["drawables", "requirements"])
def test_code_of_a_feature_that_raises_for_one_asset_costs_the_objects_with_that_asset(
    method: str, intact: Path, without: np.ndarray[Any, Any], monkeypatch: pytest.MonkeyPatch
):
    for feature in (VisibleModel, ShadowCaster):
        original = getattr(feature, method)

        def code(self: object, asset: Any, library: Any, original: Any = original) -> Any:
            if library.record(asset).name == "bad":
                raise RuntimeError("no meshes")
            return original(self, asset, library)

        monkeypatch.setattr(feature, method, code)
    with opened(intact) as there:
        np.testing.assert_array_equal(picture(there), without)
        failed = ("feature.failed", "on 'bad' is switched off: its code raised RuntimeError: no meshes")
        assert_problems(there, failed, failed)
        assert there["bad"].visibleModel.failed
        assert not there["good"].visibleModel.failed
        there["bad"].visibleModel.active = True
        np.testing.assert_array_equal(picture(there), without)
        assert len(there.problems) == 2


@pytest.mark.gpu
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_a_pipeline_that_the_driver_refuses_costs_what_is_drawn_with_it(
    nth: int, intact: Path, faults: Faults
):
    with opened(intact) as there:
        whole = picture(there)
    refused = faults.failed_call(nth, "INITIALIZATION_FAILED", function="vkCreateGraphicsPipelines")
    with refused, opened(intact) as there:
        shown = picture(there)
        assert_problems(there, ("shader.pipeline", "INITIALIZATION_FAILED"))
        assert there.problems[0].position is not None
    halves = [(shown[:, part] == whole[:, part]).all() for part in (slice(48), slice(48, None))]
    assert halves.count(False) <= 1, "no more than the object that is drawn with it"
