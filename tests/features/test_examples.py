"""The example packages of docs/features: each is installed, found by its entry point, and drawn."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.shared_runtime import shared_runtime

from engine.assets import open_library
from engine.feature import discover
from engine.runtime.options import RuntimeOptions
from engine.scene import load_scene

pytestmark = pytest.mark.gpu

SCENE = """version: 1
include: [cube.assets.hu]
tableau: { name: example  objects: {
    cube: { translation: [0 0.5 0]  euler: [0 -32 0]  features: [
        { @type: visibleModel  asset: [assetDb0 cube] } { @type: shadowCaster } CUBE ] }
    ground: { scale: [50 1 50]  translation: [0 GROUND 0]
              features: [{ @type: visibleModel  asset: [assetDb0 ground] }] }
    camera: { translation: [1.7 1.5 2.9]  euler: [-18.1 28.6 0]  features: [{ @type: camera }] }
    sun: { euler: [-54.8 -57.4 0]  features: [{ @type: light  intensity: SUN }] }
    thing: { translation: [PLACE]  scale: [0.3 1 0.3]  features: [ THING ] }
} }
"""
EXAMPLES = {
    "fog": {"THING": "{ @type: fog  density: 0.25 }"},
    "particles": {"THING": "{ @type: particles  speed: 3 }", "PLACE": "0.9 0 0.6"},
    "outline": {"CUBE": "{ @type: outline }"},
    "bloom": {"THING": "{ @type: bloom  threshold: 0.7  strength: 1.5 }", "SUN": "9"},
    "water": {"THING": "{ @type: water  size: 30 }", "GROUND": "-3", "PLACE": "0 0.12 0"},
    "mirror": {"THING": "{ @type: mirror  asset: [assetDb0 cube] }", "PLACE": "1 0.5 0.4"},
    "wind": {"THING": "{ @type: wind  asset: [assetDb0 cube] }", "PLACE": "1 0.5 0.4"},
}
BUILD = """
import importlib, os, sys, tomllib

wheels, *folders = sys.argv[1:]
for folder in folders:
    os.chdir(folder)
    with open("pyproject.toml", "rb") as file:
        backend = tomllib.load(file)["build-system"]["build-backend"]
    importlib.import_module(backend).build_wheel(wheels)
"""
USUAL = {"CUBE": "", "THING": "", "GROUND": "0", "PLACE": "0 0 0", "SUN": "3"}


def scene_text(name: str) -> str:
    text = SCENE
    for word, value in (USUAL | EXAMPLES[name]).items():
        text = text.replace(word, value)
    return text


@pytest.fixture(scope="module")
def tree(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with Diorama's assets, cooked by the first test."""
    folder = tmp_path_factory.mktemp("tree")
    shutil.copytree(root / "assets", folder / "assets", ignore=shutil.ignore_patterns("*.ogCache*"))
    (folder / "scenes").mkdir()
    shutil.copy(root / "scenes" / "cube.assets.hu", folder / "scenes")
    return folder


@pytest.fixture(scope="module")
def site(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which pip has installed all examples, from copies, as builds write beside the sources.

    One process builds all, with what each names as its backend: pip starts three for each.
    """
    folder = tmp_path_factory.mktemp("packages")
    copies = [folder / name for name in EXAMPLES]
    for copy in copies:
        copy.mkdir()
        for path in (root / "docs" / "features" / copy.name).iterdir():
            if path.is_file():
                (copy / path.name).write_bytes(path.read_bytes())
    wheels = folder / "wheels"
    subprocess.run([sys.executable, "-c", BUILD, wheels, *copies], check=True, capture_output=True)
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target"]
    made = sorted(wheels.glob("*.whl"))
    subprocess.run([*command, folder / "site", *made], check=True, capture_output=True)
    return folder / "site"


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_package_is_installed_drawn_and_gone_again(
    tree: Path, site: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tree / "cache"))
    monkeypatch.syspath_prepend(str(site))
    registry = discover()
    assert registry.problems == []
    assert name in registry
    path = tree / "scenes" / f"{name}.hu"
    path.write_text(scene_text(name))
    scene = load_scene(path, registry)
    options = RuntimeOptions(size=(320, 180), validate=True, trials=False)
    with open_library(scene.dbs) as library, shared_runtime(scene, library, options) as runtime:
        runtime.settle()
        for _ in range(3):
            runtime.frame()
        shown, plan = runtime.read_pixels(), runtime.plan
        assert [str(problem.message) for problem in runtime.problems] == []
        assert plan is not None
        table = scene.tableau.tables[name]
        table_row = int(table.rows_active()[0])
        setting = f"{table.path(table_row)}.{name}.active"
        scene.apply_setting(f"{setting}=false")
        runtime.settle()
        runtime.frame()
        without = runtime.read_pixels()
        changed = (np.abs(shown.astype(int) - without).max(axis=2) > 3).mean()
        assert changed > 0.003
        assert runtime.plan is not None
        assert len(runtime.plan.pipelines) < len(plan.pipelines)
        assert len(runtime.plan.memory.subresources) < len(plan.memory.subresources)
        assert runtime.memory.live_bytes == runtime.plan.planned_bytes


@pytest.mark.proof
@pytest.mark.timeout(600)
def test_all_examples_work_from_an_environment_that_was_empty(root: Path, tmp_path: Path) -> None:
    """pip installs Diorama and the examples into it; what these need from a network is found here."""
    source = tmp_path / "diorama"
    for name in ("engine", "features", "viewer", "scenes", "assets"):
        shutil.copytree(
            root / name, source / name, ignore=shutil.ignore_patterns("__pycache__", "*.ogCache*")
        )
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(root / name, source)
    copies = [tmp_path / "packages" / name for name in EXAMPLES]
    for copy in copies:
        shutil.copytree(root / "docs" / "features" / copy.name, copy)
    empty, python = tmp_path / "empty", tmp_path / "empty" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", empty], check=True)
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith(("PIP_", "PYTEST_"))},
        "PYTHONPATH": sysconfig.get_path("purelib"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }
    options = ("--no-deps", "--no-index", "--no-build-isolation", "--quiet")
    command = [python, "-m", "pip", "install", *options, source, *copies]
    subprocess.run(command, check=True, env=environment, cwd=tmp_path)
    (tmp_path / "scenes").mkdir()
    shutil.copytree(source / "assets", tmp_path / "assets")
    shutil.copy(source / "scenes" / "cube.assets.hu", tmp_path / "scenes")
    shown = {}
    for name in (None, *EXAMPLES):
        text = SCENE if name is None else scene_text(name)
        for word, value in USUAL.items():
            text = text.replace(word, value)
        (tmp_path / "scenes" / "scene.hu").write_text(text)
        picture, report = tmp_path / f"{name}.png", tmp_path / f"{name}.json"
        command = [empty / "bin" / "diorama", "scenes/scene.hu", "--headless", "--size", "160x90"]
        command += ["--screenshot", picture, "--report", report]
        done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert json.loads(report.read_text())["warnings"] == [], name
        shown[name] = np.asarray(Image.open(picture)).astype(int)
    for name in EXAMPLES:
        assert (np.abs(shown[name] - shown[None]).max(axis=2) > 3).mean() > 0.003, name
