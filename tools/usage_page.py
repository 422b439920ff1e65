"""Writes docs/usage.md: what each feature of the tableau adds to its plan.

python tools/usage_page.py
"""

from __future__ import annotations

import argparse
from pathlib import Path

from engine.files.writing import write_whole
from engine.plan.profile.profile_file import read_profile
from engine.testing.usage_table import usage_page, usage_tables

ROOT = Path(__file__).parents[1]
SCENES = ("scenes/tableau.hu", "scenes/turntable.hu", "scenes/skin.hu", "scenes/morph.hu")
"""The first one that has a feature is planned for it."""


def main() -> None:
    """Write the page."""
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    found = usage_tables(ROOT, SCENES, read_profile(ROOT / "assets" / "profiles" / "lavapipe.json"))
    write_whole(ROOT / "docs" / "usage.md", usage_page(SCENES, found).encode())


if __name__ == "__main__":
    main()
