"""The feature in docs/features.md that is one file: it is installed as it stands there, and drawn."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from support.skies import BACKGROUND, Skies, sides

from engine.testing import OpenedScene, open_scene

pytestmark = pytest.mark.gpu

SIZE = (96, 96)
RED, GREEN, GREY = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.25, 0.25, 0.25)
CHROME = "{ features: [{ @type: chrome  asset: [db ball]  around: [db NAME]  MORE }] }"


@pytest.fixture
def chrome(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (root / "docs" / "features.md").read_text(encoding="utf-8")
    found = re.findall(r"`diorama_chrome\.py`:\n\n```python\n(.*?)^```$", page, re.M | re.S)
    assert len(found) == 1
    site = tmp_path / "site"
    info = site / "diorama_chrome-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "diorama_chrome.py").write_text(found[0])
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: diorama-chrome\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[diorama.features]\nchrome = diorama_chrome\n")
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.delitem(sys.modules, "diorama_chrome", raising=False)


def middle(scene: OpenedScene) -> list[int]:
    return [int(number) for number in scene.frame()[48, 48, :3]]


def test_the_chrome_of_the_page_mirrors_an_environment_of_its_own(
    root: Path, tmp_path: Path, chrome: None
) -> None:
    skies = Skies(root, tmp_path)
    skies.sky("front", sides(pz=RED, nz=GREEN, py=GREY))
    skies.sky("back", sides(pz=GREEN))
    objects = "ball: " + CHROME.replace("NAME", "front").replace("MORE", "")
    other = "second: " + CHROME.replace("NAME", "back").replace("MORE", "enabled: false  blur: 1")
    path = skies.scene({"ball": "baseColor: [1 1 1 1]"}, f"{objects}\n{other}")
    with open_scene(path, size=SIZE) as scene:
        assert {problem.code for problem in scene.problems} <= {"feature.absent"}
        assert middle(scene) == pytest.approx([255, 0, 0], abs=1), "the side that the camera is at"
        picture = scene.frame()
        assert picture[2, 2, :3] == pytest.approx(BACKGROUND, abs=1)
        assert picture[26, 48, :3] == pytest.approx([137] * 3, abs=1), "what is above"
        scene["ball"].chrome.blur = 1.0
        assert 40 < middle(scene)[0] < 250, "blurred by what is around it"
        scene["ball"].chrome.enabled = False
        scene["second"].chrome.enabled = True
        scene["second"].chrome.blur = 0.0
        assert middle(scene) == pytest.approx([0, 255, 0], abs=1), "the environment of the first enabled row"
        scene["second"].chrome.active = False
        scene["ball"].chrome.active = False
        assert middle(scene) == pytest.approx(BACKGROUND, abs=1)
        assert {problem.code for problem in scene.problems} <= {"feature.absent"}


def test_the_chrome_of_the_page_mirrors_the_placeholder_of_a_broken_environment(
    root: Path, tmp_path: Path, chrome: None
) -> None:
    skies = Skies(root, tmp_path)
    skies.sky("front", sides(pz=RED))
    wrong = "{ @type: environment  name: wrong  source: none.hdr }"
    objects = "ball: " + CHROME.replace("NAME", "wrong").replace("MORE", "")
    path = skies.scene({"ball": "baseColor: [1 1 1 1]"}, objects, assets=wrong)
    with open_scene(path, size=SIZE) as scene:
        assert {problem.code for problem in scene.problems} - {"feature.absent"} <= {
            "asset.broken",
            "file.missing",
            "value.count",
        }
        assert len(set(middle(scene))) == 1, "grey light from all sides"
        assert middle(scene)[0] > 30
