"""Claims about goldens in a run of pytest: missing, waiting, accepted, compared; and about the report."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys

import pytest
from support.limits import limit

# Runs in this process unload what they import; numpy and Pillow can be loaded only once.
from engine.testing.goldens import goldens  # noqa: F401

pytest_plugins = ("pytester",)

TEST = """
import numpy as np

def test_picture(goldens):
    goldens.picture("dot", np.full((8, 8, 3), VALUE, np.uint8), DRIVER)

def test_text(goldens):
    goldens.text("plan", "a: VALUE\\n", DRIVER)
"""

# With no plugin but ours a run begins in half the time.
PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "engine.testing.plugin"]
ALONE = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


class Project:
    """A folder with one test file."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self.folder = folder = pytester.path
        (folder / "pytest.ini").write_text("[pytest]\n")
        self.write(10)

    def write(self, value: int, driver: str = "llvmpipe", file: str = "test_dot.py") -> None:
        text = TEST.replace("VALUE", str(value)).replace("DRIVER", repr(driver))
        (self.folder / file).write_text(text)

    def run(self, *arguments: str, rc: int = 0) -> str:
        """Run pytest in this process, and return what it prints."""
        done = self.pytester.runpytest_inprocess(*PYTEST[3:], *arguments)
        assert done.ret == rc, done.stdout.str() + done.stderr.str()
        return done.stdout.str()

    def run_parallel(self, *arguments: str, rc: int = 0) -> str:
        """Run pytest with two workers."""
        done = subprocess.run(
            [*PYTEST, "-p", "xdist", "-n", "2", *arguments],
            cwd=self.folder,
            env=ALONE,
            capture_output=True,
            text=True,
            timeout=limit(100),
            check=False,
        )
        assert done.returncode == rc, done.stdout + done.stderr
        return done.stdout

    def report(self) -> str:
        return (self.folder / "build" / "scene-tests.html").read_text(encoding="utf-8")


@pytest.fixture
def project(pytester, monkeypatch):
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    return Project(pytester)


@pytest.fixture
def kept(project):
    project.run("--update-goldens")
    project.run("--accept-goldens")
    return project


def test_a_golden_is_missing_waits_is_accepted_and_holds(project):
    missing = project.run(rc=1)
    assert "there is no golden goldens/dot.png; make it with `pytest --update-goldens`" in missing
    waits = project.run("--update-goldens")
    assert "waits for review, new: goldens/dot.png" in waits
    assert "look at the report, then: pytest --accept-goldens" in waits
    assert not (project.folder / "goldens").exists()
    assert project.run("--accept-goldens") == "golden goldens/dot.png\ngolden goldens/plan.plan.hu"
    assert "2 passed" in project.run()
    assert not (project.folder / "build" / "scene-tests.html").exists()


def test_a_golden_that_changed_fails_and_an_update_waits_for_review(kept):
    before = (kept.folder / "goldens" / "dot.png").read_bytes()
    kept.write(90)
    failed = kept.run(rc=1)
    assert "64 of 64 pixels (100.000%) differ, by up to 80 of 255" in failed
    assert "report with pictures: build/scene-tests.html" in failed
    assert "waits for review, changed: goldens/dot.png: 64 of 64 pixels" in kept.run("--update-goldens")
    assert (kept.folder / "goldens" / "dot.png").read_bytes() == before
    kept.run("--accept-goldens")
    assert (kept.folder / "goldens" / "dot.png").read_bytes() != before
    kept.run()


def test_what_waits_still_waits_after_another_run(project):
    project.run("--update-goldens")
    (project.folder / "test_other.py").write_text("def test_other():\n    pass\n")
    assert "waits for review, new: goldens/dot.png" in project.run("test_other.py")
    assert "golden goldens/dot.png" in project.run("--accept-goldens")


def test_what_failed_is_never_accepted(kept):
    kept.write(90)
    kept.run(rc=1)
    assert "no golden waits for review" in kept.run("--accept-goldens")


def test_on_another_driver_it_runs_and_says_what_was_not_compared(kept):
    kept.write(90, "NVIDIA H200")
    reported = kept.run()
    assert "golden not compared: goldens/dot.png was made on llvmpipe, this is nvidia" in reported
    (kept.folder / "goldens" / "nvidia").mkdir()
    assert "there is no golden goldens/nvidia/dot.png" in kept.run(rc=1)
    kept.run("--update-goldens")
    kept.run("--accept-goldens")
    assert "not compared" not in kept.run()
    kept.write(10)
    assert "not compared" not in kept.run()


def test_processes_of_a_parallel_run_share_findings_and_report(project):
    assert project.run_parallel("--update-goldens").count("waits for review") == 2
    project.run("--accept-goldens")
    project.write(90)
    project.write(90, "NVIDIA H200", file="test_other.py")
    assert project.run_parallel(rc=1).count("golden not compared") == 2
    assert project.report().count("<section>") == 4  # two goldens, two failed tests


def test_on_a_terminal_each_golden_is_asked_about(project):
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*PYTEST, "--update-goldens"],
        cwd=project.folder,
        env=ALONE,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    os.write(ours, b"y\nn\n")
    said = b""
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:  # Linux reports the closed other end this way
            break
        if not piece:
            break
        said += piece
    assert process.wait(timeout=limit(100)) == 0
    os.close(ours)
    assert b"accept goldens/dot.png? [y/N]" in said
    assert b"accept goldens/plan.plan.hu? [y/N]" in said
    assert [path.name for path in (project.folder / "goldens").iterdir()] == ["dot.png"]


def test_the_report_is_one_file_with_both_pictures_their_difference_a_slider_and_the_plan_lines(kept):
    kept.write(90)
    more = "def test_more(goldens):\n    assert '<b>' == 'x'\n"
    (kept.folder / "test_more.py").write_text(more)
    kept.run(rc=1)
    page = kept.report()
    assert len(re.findall(r"<img [^>]*src='data:image/png;base64,[A-Za-z0-9+/=]+'", page)) == 5
    assert not re.findall(r"(?:src|href)='(?!data:)", page)
    assert "http" not in page
    assert page.count("class='slider'") == 1
    assert "type='range'" in page
    assert "expected, 8x8" in page
    assert "actual, 8x8" in page
    assert "<div class='gone'>- a: 10</div>" in page
    assert "<div class='added'>+ a: 90</div>" in page
    assert "test_more.py::test_more" in page
    assert "&lt;b&gt;" in page
    assert "<b>" not in page


def test_a_failure_that_has_nothing_to_do_with_scenes_makes_no_report(kept):
    (kept.folder / "test_more.py").write_text("def test_more():\n    assert 0\n")
    assert "report" not in kept.run(rc=1)
    assert not (kept.folder / "build" / "scene-tests.html").exists()


def test_a_scene_test_that_fails_without_a_golden_is_in_the_report(kept):
    more = "from engine.testing import open_scene\n\ndef test_more():\n    assert open_scene is None\n"
    (kept.folder / "test_more.py").write_text(more)
    kept.run(rc=1)
    assert "test_more.py::test_more" in kept.report()


def test_the_report_goes_where_it_is_asked_to(kept):
    kept.write(90)
    kept.run("--scene-report", "out/page.html", rc=1)
    assert (kept.folder / "out" / "page.html").is_file()


def test_a_golden_of_another_size_is_shown_without_a_difference(kept):
    text = (kept.folder / "test_dot.py").read_text().replace("(8, 8, 3)", "(4, 6, 3)")
    (kept.folder / "test_dot.py").write_text(text)
    assert "it is 8x8 pixels, the frame 6x4" in kept.run(rc=1)
    assert "class='slider'" not in kept.report()


def test_a_test_file_in_humon_is_collected_and_reported_without_a_traceback(project):
    (project.folder / "a.test.hu").write_text("scene: x.hu\ntests: { a: [settle]  b: [setle] }\n")
    said = project.run("a.test.hu", rc=2)
    assert "a.test.hu:2:27: error[test.step]: 'setle' is not a step" in said
    assert "help: did you mean 'settle'?" in said
    assert "Traceback" not in said
    assert "engine/testing" not in said
    (project.folder / "a.test.hu").write_text("scene: x.hu profile: unified tests: { a: [settle] }\n")
    said = project.run("a.test.hu", rc=1)
    assert "a.test.hu:1:8: error[file.missing]: there is no scene x.hu" in said
    assert "engine/testing" not in said
