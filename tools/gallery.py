"""Draws the pictures of the README's gallery: docs/gallery/NAME.png, one of each scene.

python tools/gallery.py [NAME ...]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SCENES = ("tableau", "lights", "sky", "transparent", "lod", "skin", "crowd", "morph", "materials")
SIZE = "1280x720"


def main() -> None:
    """Draw the scenes that are named, or all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(SCENES))
    names = parser.parse_args().names or SCENES
    if unknown := set(names) - set(SCENES):
        parser.error(f"there is no picture {', '.join(sorted(unknown))}")
    folder = ROOT / "docs" / "gallery"
    folder.mkdir(exist_ok=True)
    for name in names:
        command = [sys.executable, "-m", "viewer", f"scenes/{name}.hu", "--headless", "--size", SIZE]
        subprocess.run([*command, "--screenshot", str(folder / f"{name}.png")], cwd=ROOT, check=True)
        print(folder / f"{name}.png")


if __name__ == "__main__":
    main()
