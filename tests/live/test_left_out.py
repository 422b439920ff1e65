"""Claims about scenes that were opened without what is wrong in their text, and that are saved again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.limits import limit
from support.one_bad import MISFITS, make_project
from support.shared_runtime import shared_runtime

from engine.assets import open_library
from engine.humon import Severity
from engine.live import LiveSources, Reload
from engine.runtime.live_assets import LiveAssets
from engine.runtime.options import RuntimeOptions
from engine.scene import load_scene

Save = Callable[..., Reload]
HEAD = "include: [more.hu]\nassetDb: { name: own  assets: [RECORDS] }\n"
MODEL = "{ @type: model  name: m  mesh: none  material: none }"


def text(*objects: str, records: str = MODEL) -> str:
    rows = "\n".join(f"o{number}: {{ {each} }}" for number, each in enumerate(objects))
    return f"{HEAD.replace('RECORDS', records)}tableau: {{ objects: {{\n{rows}\n}} }}\n"


@pytest.fixture
def save(tmp_path: Path) -> Iterator[Save]:
    """Open a scene with five errors; save files of it, and return what comes of that."""
    (tmp_path / "assets").mkdir()
    path = tmp_path / "scene.hu"
    path.write_text(text("scale: [1]", "features: [{ @type: light  intensity: -1 }]", "x: 1"))
    scene = load_scene(path)
    assert len(scene.left_out) == 5
    with open_library(scene.dbs) as library, LiveSources(library, scene) as live:

        def save(written: str, name: str = "scene.hu") -> Reload:
            (tmp_path / name).write_text(written)
            end = time.monotonic() + limit(20)
            while time.monotonic() < end:
                made = live.take()
                if made is None:
                    time.sleep(0.01)
                    continue
                if made.update is not None:
                    library.apply(made.update)
                return made
            raise AssertionError("nothing came of it")

        yield save


def test_a_save_is_taken_that_has_no_error_but_those_from_before(save: Save) -> None:
    made = save(text("scale: [1]", "translation: [0 1 0]"))
    assert made.scene is not None
    assert [each.code for each in made.scene.left_out if each.code == "value.range"] == []
    assert made.scene.tableau["o1"].translation.tolist() == [0, 1, 0]
    assert {each.severity for each in made.problems} == {Severity.WARNING}


@pytest.mark.parametrize("wrong", ["scale: [1 2]", "features: 5", "y: 1"])
def test_a_save_with_another_error_keeps_what_is_drawn_and_is_reported(save: Save, wrong: str) -> None:
    made = save(text("scale: [1]", wrong))
    assert made.scene is None
    assert any(each.severity is Severity.ERROR and wrong in each.excerpt for each in made.problems)
    made = save(text("scale: [1]", "translation: [0 1 0]"))
    assert made.scene is not None
    assert not any(each.severity is Severity.ERROR for each in made.problems)


def test_what_was_mended_is_an_error_if_it_comes_back(save: Save) -> None:
    assert save(text("scale: [2 2 2]")).scene is not None
    assert save(text("scale: [1]")).scene is None


def test_an_include_that_was_missing_is_read_when_it_comes(save: Save) -> None:
    made = save("assetDb: { name: more  assets: [] }", "more.hu")
    assert made.scene is not None
    assert [db.name for db in made.scene.dbs] == ["own", "more"]
    assert "file.missing" not in {each.code for each in made.problems}


def test_a_database_with_a_record_that_is_left_out_is_read_again(save: Save) -> None:
    made = save(text("scale: [1]", records=f"{MODEL}\n{{ @type: material  shaders: [] }}"))
    assert made.scene is None, "the material is another error"
    assert made.update is None
    made = save(
        text("scale: [1]", records=f"{MODEL}\n{{ @type: shader  stage: vertex_shader_bit  source: a }}")
    )
    assert made.scene is not None
    assert made.update is not None
    assert [each.asset for each in made.update.changes] == ["shader #1"]


def test_a_record_that_was_left_out_and_lacks_its_source_now_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "scene.hu"
    path.write_text(text(records=f"{MODEL}\n{{ @type: texture2d  name: t  source: [] }}"))
    scene = load_scene(path)
    with open_library(scene.dbs) as library, LiveSources(library, scene) as live:
        path.write_text(text(records=f"{MODEL}\n{{ @type: texture2d  name: t  source: nothing.png }}"))
        end = time.monotonic() + limit(20)
        while (made := live.take()) is None:
            assert time.monotonic() < end, "nothing came of it"
            time.sleep(0.01)
        assert made.update is not None
        library.apply(made.update)
        assert [each.asset for each in made.update.changes] == ["texture2d 't'"]
        assert library.is_broken(library.newest("own", 1))


RECORDS = [one for one in MISFITS if one.file == "assets.hu" and one.place == one.new and len(one.codes) == 1]


@pytest.mark.gpu
def test_a_record_that_was_left_out_is_drawn_once_it_is_mended(sample: Any, tmp_path: Path) -> None:
    intact = make_project(tmp_path / "intact")
    (number,) = sample.of(range(len(RECORDS)), 1)[:1]
    shown = []
    for path in (intact, RECORDS[number].damage(intact, tmp_path / "wrong")):
        scene = load_scene(path)
        options = RuntimeOptions(size=(96, 48))
        with open_library(scene.dbs) as library, shared_runtime(scene, library, options) as runtime:
            if path != intact:
                with LiveAssets(runtime) as live:
                    assert len(live.problems) == 1
                    path.with_name("assets.hu").write_text(intact.with_name("assets.hu").read_text())
                    end = time.monotonic() + limit(20)
                    while live.problems or live.pending:
                        assert time.monotonic() < end, "nothing came of it"
                        runtime.frame()
                        live.poll()
            runtime.settle()
            shown.append(runtime.read_pixels())
    np.testing.assert_array_equal(*shown)
