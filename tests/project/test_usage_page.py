"""The usage page is what the plan of its scene says."""

from __future__ import annotations

import re
from pathlib import Path

from engine.plan.profile.profile_file import read_profile
from engine.testing.usage_table import usage_page, usage_table


def test_the_page_says_what_each_feature_adds_to_the_plan(root: Path) -> None:
    page = (root / "docs" / "usage.md").read_text(encoding="utf-8")
    found = re.search(r"Of `(scenes/\w+\.hu)`", page)
    assert found is not None
    made = usage_table(root / found[1], read_profile(root / "assets" / "profiles" / "lavapipe.json"))
    assert usage_page(found[1], made) == page, "run `python tools/usage_page.py`"
