"""The folder of the scenes that tests open."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CUBE = ROOT / "scenes" / "cube.hu"
