"""The doctor and the probe: what is installed, what is missing, how to install it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.commands import Run
from support.display import Display
from support.limits import limit

from engine.cli import probe
from engine.cli.adapters import list_adapters
from engine.cli.commands.doctor import Check, State

# Points the loader at no driver at all; the second name is what loaders since 1.3.207 read.
NO_DRIVER = {"VK_ICD_FILENAMES": "/dev/null", "VK_DRIVER_FILES": "/dev/null"}


@pytest.mark.gpu
def test_where_a_device_answers_the_doctor_names_it_and_ends_with_0(engine: Run) -> None:
    done = engine("doctor")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("  ok       device")]
    assert lines
    assert "Vulkan 1." in lines[0]


def test_without_a_driver_it_says_why_and_what_to_install_and_ends_with_3(engine: Run) -> None:
    done = engine("doctor", **NO_DRIVER)
    assert done.returncode == 3
    assert "MISSING  device" in done.stdout
    assert "get it: apt-get install mesa-vulkan-drivers" in done.stdout
    assert "Traceback" not in done.stderr


def test_a_display_that_does_not_answer_is_not_taken_for_one_that_does(engine: Run, display: Display) -> None:
    assert f"the X server {display.name} answers" in engine("doctor", DISPLAY=display.name).stdout
    assert "DISPLAY is :4321, but no X server answers" in engine("doctor", DISPLAY=":4321").stdout


def test_without_a_display_it_names_headless(engine: Run) -> None:
    shown = engine("doctor", DISPLAY="", WAYLAND_DISPLAY="").stdout
    assert "DISPLAY is not set): scenes open with --headless" in shown


def test_a_crashing_driver_is_given_as_the_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\nkill -SEGV $$\n", encoding="utf-8")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))
    report = list_adapters()
    assert not report.usable
    assert "ended with -11" in report.reasons[0]


def test_a_missing_thing_prints_how_to_get_it_on_its_own_line() -> None:
    lines = str(Check("spirv-val", State.MISSING, "not on PATH", "pip install it")).splitlines()
    assert lines[0].split() == ["MISSING", "spirv-val", "not", "on", "PATH"]
    assert lines[1].strip() == "get it: pip install it"


def test_missing_packages_are_named_once_and_found_things_not_at_all() -> None:
    findings = [
        probe.Finding(probe.Part.RUN, "a", "", "package-a"),
        probe.Finding(probe.Part.RUN, "b", "/usr/lib/b", "package-b"),
        probe.Finding(probe.Part.RUN, "c", "", "package-a"),
    ]
    assert probe.missing_packages(findings) == ["package-a"]


def test_a_library_that_no_system_has_is_missing() -> None:
    assert probe.library("libDioramaHasNoSuchLibrary.so.1") is None
    assert probe.library("libc.so.6") is not None


@pytest.mark.gpu
def test_the_probe_and_the_vulkan_boundary_see_the_same_devices() -> None:
    loader = probe.library(probe.LOADER)
    assert loader is not None
    seen = [adapter.name for adapter in probe.adapters(loader)]
    assert seen == [adapter.name for adapter in list_adapters().adapters]


def test_the_probe_runs_on_a_python_without_any_package(root: Path) -> None:
    command = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(root)!r})\n"]
    command[-1] += "from engine.cli.probe import main; sys.exit(main(['--packages', 'test']))"
    done = subprocess.run(command, capture_output=True, text=True, timeout=limit(60), check=False)
    assert done.returncode == 0, done.stderr


def test_the_probe_refuses_an_unknown_part(root: Path) -> None:
    command = [sys.executable, "-m", "engine.cli.probe", "--packages", "everything"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=limit(60), check=False)
    assert done.returncode == 2
    assert "usage:" in done.stderr
