"""docs/features.md followed word for word: its package is written, installed with pip, and drawn."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.limits import limit
from support.shared_runtime import shared_runtime

from engine.assets import open_library
from engine.feature import Feature, discover
from engine.runtime.options import RuntimeOptions
from engine.scene import load_scene

MOST_LINES = 60
SCENE = """version: 1
tableau: { name: t  objects: {
    cube: { translation: [0 0 -2]  features: [{ @type: visibleModel  asset: [builtin placeholder] }] }
    camera: { features: [{ @type: camera  toneMapping: none }] }
    sun: { features: [{ @type: light }] }
    air: { features: [{ @type: haze  color: [0 0.5 0]  density: 100 }] }
} }
"""


def written_files(root: Path) -> dict[str, str]:
    """The files that the page says to write, by their paths."""
    page = (root / "docs" / "features.md").read_text(encoding="utf-8")
    return dict(re.findall(r"Write\s+`([^`]+)`:\n\n```\w+\n(.*?)^```$", page, re.M | re.S))


def test_the_first_feature_is_short(root: Path) -> None:
    files = written_files(root)
    assert len(files) == 4
    lines = [line for text in files.values() for line in text.splitlines() if line.strip()]
    assert len(lines) <= MOST_LINES


@pytest.mark.gpu
def test_the_first_feature_is_installed_and_drawn(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in written_files(root).items():
        (tmp_path / "package" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "package" / name).write_text(text)
    options = ["--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check", "--quiet"]
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(tmp_path / "site"), "."]
    subprocess.run(command, cwd=tmp_path / "package", check=True, timeout=limit(120))
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    (tmp_path / "scene").mkdir()
    (tmp_path / "scene" / "scene.hu").write_text(SCENE)
    registry = discover()
    assert registry.problems == []
    scene = load_scene(tmp_path / "scene" / "scene.hu", registry)
    assert [db.name for db in scene.dbs] == ["haze"]
    runtime_options = RuntimeOptions(size=(64, 48), validate=True, trials=False)
    with open_library(scene.dbs) as library, shared_runtime(scene, library, runtime_options) as runtime:
        runtime.settle()
        runtime.frame()
        assert abs(runtime.read_pixels()[..., :3].astype(int) - (0, 188, 0)).max() <= 1
        scene.tableau["air"].haze.density = 0.01
        runtime.frame()
        thin = runtime.read_pixels()
        assert abs(thin[24, 32, :3].astype(int) - (0, 188, 0)).max() > 40
        assert abs(thin[0, 0, :3].astype(int) - (0, 188, 0)).max() <= 1
        scene.tableau["air"].haze.active = False
        runtime.settle()
        assert runtime.plan is not None
        assert "haze" not in {row.pass_name for row in runtime.plan.pipelines}
        assert runtime.problems == ()


@pytest.mark.parametrize(
    ("text", "code"),
    [("assetDb: { name: own  assets: [] }", "asset.name"), ("assetDb: { name: }", "humon.no_value")],
)
def test_a_bad_database_of_a_feature_costs_that_feature_alone(
    tmp_path: Path, monkeypatch, text, code
) -> None:
    class Haze(Feature):
        """A feature with a database."""

        type_name = "haze"
        asset_db = "haze.hu"

    monkeypatch.setattr("inspect.getfile", lambda _: str(tmp_path / "haze.py"))
    (tmp_path / "haze.hu").write_text(text)
    (tmp_path / "scene.hu").write_text(
        "version: 1  assetDb: { name: own  assets: [] }\n"
        "tableau: { name: t  objects: { a: { features: [{ @type: haze }] } } }"
    )
    registry = discover()
    registry.register(Haze())
    scene = load_scene(tmp_path / "scene.hu", registry)
    assert [db.name for db in scene.dbs] == ["own"]
    assert code in [problem.code for problem in scene.warnings]
    (tmp_path / "scene.hu").write_text((tmp_path / "scene.hu").read_text().replace("{ @type: haze }", ""))
    assert load_scene(tmp_path / "scene.hu", registry).warnings == [], "the scene does not use the feature"
