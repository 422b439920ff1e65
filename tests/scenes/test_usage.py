"""Claims about what a feature adds: switched off, exactly the rows of the usage page go, and come again."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support import images
from support.shared_runtime import shared_runtime

from engine.assets import open_library
from engine.runtime.options import RuntimeOptions
from engine.scene import load_scene
from engine.testing.usage_table import usage_rows

pytestmark = pytest.mark.gpu

PAGE = (Path(__file__).parents[2] / "docs" / "usage.md").read_text(encoding="utf-8")
FOUND = re.search(r"Of `(scenes/\w+\.hu)`", PAGE)
SCENE = FOUND[1] if FOUND is not None else ""
SECTIONS = {
    feature: section
    for feature, section in re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S)
    if "In `scenes/" not in section  # of another scene
}


def test_each_feature_adds_what_its_section_says_and_gives_it_back(root: Path) -> None:
    scene = load_scene(root / SCENE)
    options = RuntimeOptions(size=(160, 90), validate=True)
    with open_library(scene.dbs) as library, shared_runtime(scene, library, options) as runtime:
        runtime.settle()
        runtime.frame()
        shown, plan = runtime.read_pixels(), runtime.plan
        assert plan is not None
        whole = usage_rows(plan)
        for feature, section in SECTIONS.items():
            table = scene.tableau.tables[feature]
            settings = [f"{table.path(row)}.{feature}.active" for row in table.rows_active().tolist()]
            for setting in settings:
                scene.apply_setting(f"{setting}=false")
            runtime.settle()
            assert runtime.plan is not None
            without = usage_rows(runtime.plan)
            own = set(re.findall(r"^\| \w+ `([^`]+)` \|", section, re.M))
            assert whole.keys() - without.keys() == own, feature
            assert runtime.memory.live_bytes == runtime.plan.planned_bytes, feature
            for setting in settings:
                scene.apply_setting(f"{setting}=true")
            runtime.settle()
            assert runtime.plan is not None
            assert usage_rows(runtime.plan) == whole, feature
            assert runtime.memory.live_bytes == runtime.plan.planned_bytes, feature
            runtime.frame()
            images.assert_same(runtime.read_pixels(), shown)
