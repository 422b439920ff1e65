"""Models are opened and imported with a sky of one's own, which may lie anywhere."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from support.gltf_features import lights, skin
from support.ktx2_files import ktx
from support.lights import exr

from engine.assets import AssetRef, AssetType, open_library
from engine.cli.main import main
from engine.humon import InputError, Problem
from engine.scene import check_sky, load_scene, load_scenes
from engine.storage.radiance import radiance_bytes


def light(*color: float) -> npt.NDArray[np.float32]:
    return np.broadcast_to(np.array(color, np.float32), (32, 64, 3)).copy()


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "models").mkdir()
    return skin().write(tmp_path / "models/body.glb")


@pytest.fixture
def sky(tmp_path: Path) -> Path:
    (tmp_path / "pictures").mkdir()
    path = tmp_path / "pictures/studio.hdr"
    path.write_bytes(radiance_bytes(light(1, 2, 3)))
    return path


@pytest.mark.parametrize("kind", ["hdr", "exr", "ktx2"])
def test_a_sky_from_elsewhere_is_all_the_light_around_a_model(kind: str, model: Path, sky: Path) -> None:
    if kind == "exr":
        planes = {name: light(1, 2, 3)[..., n].copy() for n, name in enumerate("RGB")}
        sky.with_suffix(".exr").write_bytes(exr(planes))
    elif kind == "ktx2":
        texels = np.concatenate((light(1, 2, 3), light(1, 1, 1)[..., :1]), axis=-1).astype("<f2")
        sky.with_suffix(".ktx2").write_bytes(ktx(97, [texels.tobytes()], 64, 32))
    sky = sky.with_suffix(f".{kind}")
    scene = load_scene(model, sky=sky)
    assert scene.warnings == []
    assert scene.sky == sky
    assert [db.name for db in scene.dbs] == ["body", "sky studio"]
    assert "sun" not in scene.tableau
    box = scene.tableau["sky"].skybox
    assert (box.visible, box.intensity) == (True, 1.0)
    with open_library(scene.dbs) as library:
        assert not library.problems
        ref = AssetRef.from_key(box.asset)
        assert ref == scene.asset("sky studio", "sky")
        assert library.usable(ref) == ref
        first = library.facts(ref).irradiance[0]
    assert np.allclose(first, (1, 2, 3), rtol=0.01)
    assert (sky.parent / "sky studio.ogCache").exists()
    assert sky.resolve() in set(scene.inputs())


def test_without_a_sky_a_model_has_the_usual_one_and_a_sun(model: Path) -> None:
    scene = load_scene(model)
    assert [db.name for db in scene.dbs] == ["body"]
    assert "sun" in scene.tableau
    assert not scene.tableau["sky"].skybox.visible


def test_lights_of_a_model_stay_beside_its_sky(tmp_path: Path, sky: Path) -> None:
    path = lights().write(tmp_path / "lamps.glb")
    scene = load_scene(path, sky=sky)
    assert scene.warnings == []
    usual = load_scene(path).tableau
    assert len(scene.tableau.tables["light"]) == len(usual.tables["light"]) > 0
    assert (usual["sky"].skybox.intensity, scene.tableau["sky"].skybox.intensity) == (pytest.approx(0.3), 1)


def test_several_models_share_their_sky_and_scenes_keep_their_own(
    tmp_path: Path, model: Path, sky: Path
) -> None:
    other = skin().write(tmp_path / "models/other.glb")
    text = tmp_path / "plain.hu"
    text.write_text("version: 1\ntableau: { objects: { thing: { } } }\n")
    scene = load_scenes([model, other, text], sky=sky)
    assert scene.warnings == []
    assert sorted(db.name for db in scene.dbs) == ["body", "other", "sky studio"]
    boxes = [scene.tableau[f"{name}/sky"].skybox.asset for name in ("body", "other")]
    assert boxes[0] == boxes[1]
    assert "plain/sky" not in scene.tableau


def test_a_sky_that_is_no_picture_is_a_warning_and_the_model_is_there(model: Path, sky: Path) -> None:
    sky.write_bytes(b"nothing")
    scene = load_scene(model, sky=sky)
    with open_library(scene.dbs) as library:
        (problem,) = library.problems
        assert problem.code == "asset.broken"
        assert "the file is neither Radiance HDR" in problem.message
        assert problem.position is not None
        assert "studio.hdr (as a sky)" in problem.position.file
        assert library.usable(scene.asset("sky studio", "sky")) == library.placeholder(AssetType.ENVIRONMENT)


def problem_of(sky: Path, scenes: list[Path]) -> Problem:
    with pytest.raises(InputError) as caught:
        check_sky(sky, scenes)
    (problem,) = caught.value.problems
    assert problem.help
    return problem


def test_a_sky_that_cannot_be_one_is_refused_with_a_hint(model: Path, sky: Path, tmp_path: Path) -> None:
    check_sky(sky, [Path("scenes/cube.hu"), model])
    found = problem_of(sky.with_name("studoi.hdr"), [model])
    assert (found.code, "studio.hdr" in found.help) == ("file.missing", True)
    found = problem_of(tmp_path / "sky.jpeg", [model])
    assert (found.code, ".ktx2" in found.help) == ("scene.sky", True)
    found = problem_of(sky, [Path("scenes/cube.hu")])
    assert (found.code, "skybox" in found.help) == ("scene.sky", True)
    folder = tmp_path / "folder.hdr"
    folder.mkdir()
    assert problem_of(folder, [model]).code == "file.kind"
    os.mkfifo(tmp_path / "pipe.hdr")
    assert problem_of(tmp_path / "pipe.hdr", [model]).code == "file.kind"


def test_a_picture_that_is_opened_as_a_scene_says_how_it_is_a_sky(sky: Path) -> None:
    sky.write_bytes(b"\x76\x2f\x31\x01\xff")
    with pytest.raises(InputError) as caught:
        load_scene(sky)
    assert "MODEL --sky studio.hdr" in caught.value.problems[0].help


def test_a_model_is_imported_with_its_sky(tmp_path: Path, model: Path, sky: Path) -> None:
    out = tmp_path / "scenes"
    assert main(["import", str(model), "--sky", str(sky), "--out", str(out)]) == 0
    assert "source: ../pictures/studio.hdr" in (out / "body.assets.hu").read_text()
    scene = load_scene(out / "body.hu")
    assert scene.warnings == []
    assert "sun" not in scene.tableau
    with open_library(scene.dbs) as library:
        assert not library.problems
        assert library.facts(scene.asset("body", "sky")).irradiance[0][2] > 2.9


def test_a_sky_outside_of_the_project_is_not_imported(
    tmp_path: Path, model: Path, sky: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (model.parent / "diorama.project").touch()
    out = model.parent / "scenes"
    assert main(["import", str(model), "--sky", str(sky), "--out", str(out)]) != 0
    found = capsys.readouterr().err
    assert "file.outside" in found
    assert "the sky is outside of the project" in found
    assert not out.exists()
    assert main(["import", str(model), "--sky", str(sky.with_name("no.hdr")), "--out", str(out)]) != 0
    assert "file.missing" in capsys.readouterr().err
    assert not out.exists()
