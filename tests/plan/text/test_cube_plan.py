"""The plan of `scenes/cube.hu` for the recorded profiles, as golden texts.

Where a change is meant: `python -m engine plan scenes/cube.hu --profile NAME --out` the golden file.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from support.random_scenes import profile

from engine.plan.text.plan_text import plan_text
from engine.plan.text.validate import validate
from engine.planning.offline import plan_scene

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("name", ["lavapipe", "nvidia-h200"])
def test_the_cube_has_its_golden_plan(name, root, monkeypatch):
    monkeypatch.chdir(root)
    planned = plan_scene(Path("scenes/cube.hu"), profile(name))
    assert validate(planned.plan) == []
    assert plan_text(planned.plan) == (GOLDEN / f"cube-{name}.hu").read_text()
