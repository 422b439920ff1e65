"""The usage page is what the plan of its scene says."""

from __future__ import annotations

import re
from pathlib import Path

from engine.feature import discover
from engine.plan.profile.profile_file import read_profile
from engine.testing.usage_table import usage_page, usage_tables


def test_the_page_says_what_each_feature_adds_to_the_plan(root: Path) -> None:
    page = (root / "docs" / "usage.md").read_text(encoding="utf-8")
    scenes = list(dict.fromkeys(re.findall(r"`(scenes/\w+\.hu)`", page)))
    made = usage_tables(root, scenes, read_profile(root / "assets" / "profiles" / "lavapipe.json"))
    assert usage_page(scenes, made) == page, "run `python tools/usage_page.py`"
    assert [usage.feature for usage in made] == sorted(discover()), "every feature is there"
