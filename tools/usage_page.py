"""Writes docs/usage.md: what each feature of the tableau adds to its plan.

python tools/usage_page.py
"""

from __future__ import annotations

from pathlib import Path

from engine.files.writing import write_whole
from engine.plan.profile.profile_file import read_profile
from engine.testing.usage_table import usage_page, usage_table

ROOT = Path(__file__).parents[1]
SCENE = "scenes/tableau.hu"


def main() -> None:
    """Write the page."""
    found = usage_table(ROOT / SCENE, read_profile(ROOT / "assets" / "profiles" / "lavapipe.json"))
    write_whole(ROOT / "docs" / "usage.md", usage_page(SCENE, found).encode())


if __name__ == "__main__":
    main()
