"""Every test of a device also passes on SwiftShader, a software driver that shares no code with Mesa's."""

from __future__ import annotations

import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from support import images
from support.limits import Slowness, limit
from support.scenes import ROOT

pytestmark = [pytest.mark.proof, pytest.mark.gpu]

LEVELS, SHARE = 8, 0.01
"""How far its pictures may be from Mesa's: textures are filtered and edges rounded otherwise."""
SIZE, CELL = "320x180", 20
"""Of pictures of all scenes: means of cells are compared, as edges of shadows depend on the depth bias."""
SCENES = sorted(path.name for path in (ROOT / "scenes").glob("*.hu") if ".assets" not in path.name)
# It interpolates the depth of a lawn that goes on behind the camera to 2 cm: the terrace on it is to be seen.
SETTINGS = {"transparent.hu": ("--set", "terrace.translation=[0.2 0.06 -0.1]")}
SUITE_S = 3600.0
_FORKED = "test_a_child_of_a_running_scene_is_refused_its_frames_and_may_draw_its_own[fork]"
_GRID = "test_the_grid_lies_on_the_ground_behind_objects_and_in_no_picture_that_is_read"
UNFIT = {
    f"tests/vk/test_forking.py::{_FORKED}": "it waits for threads that a forked child lacks",
    f"tests/scenes/test_view_modes.py::{_GRID}": "its depth of the ground is off by up to 1 %",
}
"""Tests that cannot run on it, each with the reason."""


@pytest.fixture(scope="module")
def driver(root: Path) -> dict[str, str]:
    """The environment in which the loader finds SwiftShader alone."""
    command = ["sh", "tools/swiftshader.sh"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=limit(300), check=False)
    if done.returncode:
        pytest.skip(done.stderr.strip())
    return {**os.environ, "VK_DRIVER_FILES": str(root / "build/swiftshader/vk_swiftshader_icd.json")}


def picture(path: Path, scene: str, environment: dict[str, str], *options: str) -> images.Picture:
    """Draw a scene in another process, with validation, of which nothing may be heard."""
    words = [sys.executable, "-m", "viewer", f"scenes/{scene}", "--headless", "--validate", *options]
    done = subprocess.run(
        [*words, "--screenshot", str(path)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=limit(200),
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return images.load(path)


def test_a_scene_looks_as_on_mesas_driver(tmp_path: Path, driver: dict[str, str]) -> None:
    other = picture(tmp_path / "swiftshader.png", "cube.hu", driver)
    default = picture(tmp_path / "default.png", "cube.hu", dict(os.environ))
    images.assert_same(other, default, LEVELS, SHARE)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("scene", SCENES)
def test_each_scene_has_the_same_light_and_shapes_and_validation_is_silent(
    scene: str, tmp_path: Path, driver: dict[str, str]
) -> None:
    options = "--size", SIZE, *SETTINGS.get(scene, ())
    pair = (
        picture(tmp_path / f"{number}.png", scene, environment, *options)
        for number, environment in enumerate((driver, dict(os.environ)))
    )
    images.assert_same(*(images.averaged(one, CELL) for one in pair), LEVELS, 0.0)


@pytest.mark.timeout(SUITE_S)
def test_every_test_of_a_device_passes_and_validation_is_silent(
    root: Path, tmp_path: Path, driver: dict[str, str]
) -> None:
    report = tmp_path / "report.xml"
    left_out = [option for test in UNFIT for option in ("--deselect", test)]
    command = [sys.executable, "-m", "pytest", "-q", "-m", "gpu", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "-n", "auto", "--dist", "worksteal", "--require-gpu", f"--junitxml={report}", *left_out],
        cwd=root,
        env=driver,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SUITE_S * Slowness.factor * 0.95,
        check=False,
    )
    assert report.exists(), done.stdout[-4000:]
    cases = list(ET.parse(report).getroot().iter("testcase"))
    failed = [
        f"{case.get('classname')}::{case.get('name')}: {found.get('message')}"
        for case in cases
        for found in (*case.iter("failure"), *case.iter("error"))
    ]
    assert not failed, "\n".join((*failed, done.stdout[-4000:]))
    assert len(cases) > 400, done.stdout[-4000:]
    assert done.returncode == 0, done.stdout[-4000:]
