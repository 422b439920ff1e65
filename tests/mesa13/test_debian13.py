"""Scenes look the same in Debian 13: with its newer Mesa, its Python and its packages."""

from __future__ import annotations

import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from support import images
from support.limits import limit

from engine.testing.comparison.pictures import from_png
from engine.testing.goldens.findings import FindingKind, Findings

pytestmark = [pytest.mark.proof, pytest.mark.gpu]

LEVELS, SHARE = 16, 0.005
"""How far its pictures may be from those of an older Mesa: textures are filtered otherwise."""
FULL_OF_HOLES = {"transparent.png"}
"""Goldens whose edges are those of holes in filtered textures: of these, means of cells are compared."""
CELL, CELL_LEVELS = 20, 8
INSIDE = "build/debian13"
PYTHON = ".venv/bin/python"


def ended(root: Path, *command: object) -> subprocess.CompletedProcess[str]:
    """Run a command in Debian 13."""
    line = ["sh", "tools/debian13.sh", *map(str, command)]
    return subprocess.run(
        line,
        cwd=root,
        capture_output=True,
        text=True,
        timeout=limit(600),
        check=False,
        stdin=subprocess.DEVNULL,
    )


@pytest.fixture(scope="module")
def system(root: Path) -> Path:
    """The root of Debian 13, with a copy of the checkout in /diorama."""
    done = ended(root, "true")
    if done.returncode == 3:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    return root / INSIDE


@pytest.mark.timeout(1200)
def test_a_scene_looks_as_on_the_mesa_of_this_machine(root: Path, tmp_path: Path, system: Path) -> None:
    view = ["-m", "viewer", "scenes/cube.hu", "--headless", "--screenshot"]
    done = ended(root, PYTHON, *view, "/diorama/cube.png")
    assert (done.returncode, done.stderr) == (0, "")
    here = tmp_path / "here.png"
    subprocess.run([sys.executable, *view, here], cwd=root, timeout=limit(100), check=True, env=os.environ)
    images.assert_same(images.load(system / "diorama/cube.png"), images.load(here), LEVELS, SHARE)


@pytest.mark.timeout(1200)
def test_all_tests_of_scenes_pass_but_for_how_textures_are_filtered(root: Path, system: Path) -> None:
    options = [
        "-q",
        "-m",
        "gpu",
        "-p",
        "no:cacheprovider",
        "-n",
        "auto",
        "--require-gpu",
        "--junitxml=report.xml",
    ]
    done = ended(root, PYTHON, "-m", "pytest", *options, "tests/scenes")
    report = system / "diorama/report.xml"
    assert report.exists(), done.stdout[-4000:] + done.stderr[-4000:]
    cases = list(ET.parse(report).getroot().iter("testcase"))
    failed = {
        case.get("name")
        for case in cases
        if case.find("failure") is not None or case.find("error") is not None
    }
    findings = list(Findings(system / "diorama/build/scene-tests"))
    for finding in findings:
        assert finding.kind is FindingKind.PICTURE, finding.message
        assert finding.expected is not None, finding.message
        pair = [from_png(picture)[0] for picture in (finding.actual, finding.expected)]
        if finding.name in FULL_OF_HOLES:
            images.assert_same(*(images.averaged(one, CELL) for one in pair), CELL_LEVELS, 0.0)
        else:
            images.assert_same(*pair, LEVELS, SHARE)
    assert failed <= {finding.test.partition("::")[2] for finding in findings}
    assert len(cases) > 150
