"""Claims about several tableaux in one scene: what is shown, what they share, what is freed when one goes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.limits import limit

from engine.testing import MIB, OpenedScene, assert_changed, assert_freed, assert_same_pixels, open_scene
from viewer.main import main

HEAD = "version: 1\ninclude: [{include}]\n"
ONE = (
    HEAD
    + """\
tableau: {{
    objects: {{
        box: {{
            features: [
                {{ @type: visibleModel  asset: [{db} cube] }}
                {{ @type: shadowCaster  asset: [{db} cube] }}
            ]
        }}
        camera: {{ translation: [0 1.2 4]  euler: [-12 0 0]  features: [{{ @type: camera }}] }}
        sun: {{ euler: [-50 -40 0]  features: [{{ @type: light }}] }}
    }}
}}
"""
)
OTHER = (
    HEAD
    + """\
tableau: {{
    objects: {{
        aside: {{ translation: [1.2 0 0]  features: [{{ @type: visibleModel  asset: [{db} {model}] }}] }}
    }}
}}
"""
)


@pytest.fixture
def folder(tmp_path: Path, root: Path) -> Path:
    """A project with the assets of cube.hu."""
    shutil.copytree(root / "assets", tmp_path / "assets")
    (tmp_path / "scenes").mkdir()
    for name in ("cube.assets.hu", "assetDb0.ogCache"):
        (tmp_path / "scenes" / name).write_bytes((root / "scenes" / name).read_bytes())
    (tmp_path / "scenes/one.hu").write_text(ONE.format(include="cube.assets.hu", db="assetDb0"))
    for name, model in (("other", "cube"), ("ground", "ground")):
        text = OTHER.format(include="cube.assets.hu", db="assetDb0", model=model)
        (tmp_path / f"scenes/{name}.hu").write_text(text)
    return tmp_path / "scenes"


@pytest.fixture
def both(folder: Path) -> Iterator[OpenedScene]:
    with open_scene([folder / "one.hu", folder / "ground.hu"], profile="unified") as scene:
        yield scene


def test_an_asset_of_two_tableaux_is_in_memory_once(folder):
    with open_scene([folder / "one.hu"], profile="unified") as alone:
        needed = {name: row.bytes for name, row in alone.memory.assets.items()}
    with open_scene([folder / "one.hu", folder / "other.hu"], profile="unified") as scene:
        assets = {name: row.bytes for name, row in scene.memory.assets.items()}
        assert {name: assets[name] for name in needed if "assetDb0" in name} == {
            name: size for name, size in needed.items() if "assetDb0" in name
        }
        assert len([name for name in assets if "vertices" in name and "assetDb0" in name]) == 1


def test_inactive_gives_the_bytes_back_and_active_brings_them_again(both):
    memory = both.memory
    both.set("one.active=false")
    both.settle()
    without = both.memory
    assert without.live == without.planned
    assert_freed(memory, without, "shadowMap", "vertices #2", "texture2d #8", at_least=16 * MIB)
    both.set("one.active=true")
    both.settle()
    assert both.memory.live == memory.live
    assert both.memory.assets.keys() == memory.assets.keys()


def test_disabled_keeps_every_byte(both):
    live, plan = both.memory.live, both.plan_text
    both.set("ground.enabled=false")
    both.settle()
    assert both.memory.live == live
    assert both.plan_text == plan


def test_passes_go_with_the_last_tableau_that_needs_them(both):
    names = {name.split(".")[0] for name in both.memory.assets}
    assert {"shadowMap", "forward"} <= names
    both.set("one.active=false")
    both.settle()
    names = {name.split(".")[0] for name in both.memory.assets if not name.endswith(".absent")}
    assert "forward" in names
    assert "shadowMap" not in names
    both.set("ground.active=false")
    both.settle()
    assert "forward" not in {name.split(".")[0] for name in both.memory.assets}


@pytest.mark.gpu
def test_tableaux_are_shown_one_or_many(folder):
    size = (96, 72)
    with open_scene(folder / "one.hu", size=size) as scene:
        alone = scene.frame()
    with open_scene([folder / "one.hu", folder / "other.hu"], size=size) as scene:
        many = scene.frame()
        assert_changed(many, alone, share=0.01)
        scene["other"].enabled = False
        assert_same_pixels(scene.frame(), alone, levels=0, share=0)
        scene["other"].enabled = True
        scene["one/box"].enabled = False
        assert_changed(scene.frame(), many, share=0.01)


@pytest.mark.gpu
def test_the_viewer_draws_what_it_can_and_ends_with_2(folder, tmp_path, capsys):
    (folder / "bad.hu").write_text("tableau: { objects: { a: { } { } } }\n")
    scenes = [str(folder / name) for name in ("bad.hu", "one.hu")]
    picture = tmp_path / "a.png"
    assert main([*scenes, "--headless", "--size", "64x48", "--screenshot", str(picture)]) == 2
    assert "bad.hu:1:30: error[humon.no_key]" in capsys.readouterr().err
    assert picture.exists()
    options = ["--headless", "--size", "64x48", "--set", "other.active=false"]
    assert main([str(folder / "one.hu"), str(folder / "other.hu"), *options]) == 0


@pytest.mark.gpu
def test_two_scenes_are_opened_from_the_command_line(folder, tmp_path):
    line = ["one.hu", "other.hu", "--headless", "--size", "64x48", "--screenshot", str(tmp_path / "a.png")]
    done = subprocess.run(
        [sys.executable, "-m", "viewer", *line],
        cwd=folder,
        env={"PYTHONPATH": str(Path(__file__).parents[2]), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=limit(100),
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "a.png").exists()
