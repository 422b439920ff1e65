"""`python -m viewer` as a user calls it: its files, its messages, its exit codes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support import images, stopping
from support.commands import Done, Run, in_process, in_this_process
from support.display import Display
from support.limits import limit

from engine.cli.last_plans import last_plan
from viewer.main import main

gpu = pytest.mark.gpu
SHADOW_MAP = 2048 * 2048 * 4


@pytest.fixture
def view(root: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command line of the viewer in this process; our own bugs propagate."""
    return in_this_process(main, root, capsys)


@pytest.fixture
def view_process(root: Path) -> Run:
    """Run `python -m viewer` in a process of its own."""
    run = in_process("viewer", root)

    def checked(*arguments: object, **environment: str) -> Done:
        done = run(*arguments, **environment)
        assert "Traceback" not in done.stderr, done.stderr
        return done

    return checked


def report_of(view: Run, folder: Path, *arguments: str | Path) -> dict:
    path = folder / f"report{len(list(folder.iterdir()))}.json"
    done = view("scenes/cube.hu", "--headless", "--size", "320x240", "--report", path, *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(path.read_text())


@gpu
def test_a_headless_run_writes_picture_and_report_and_leaves_nothing_behind(
    view_process: Run, tmp_path: Path
) -> None:
    report = report_of(view_process, tmp_path, "--screenshot", tmp_path / "cube.png")
    assert images.load(tmp_path / "cube.png").shape == (240, 320, 4)
    assert report["plan"]["planned_bytes"] == report["plan"]["live_bytes"] > SHADOW_MAP
    assert report["plan"]["waiting_bytes"] == 0
    assert report["live_objects_after_close"] == 0
    assert report["validation"] == {"enabled": True, "messages": 0}
    assert report["warnings"] == []
    assert report["settled_at_frame"] <= report["frames"]
    assert report["draws"]["triangles"] >= 14


@gpu
def test_within_too_small_a_budget_the_picture_is_drawn_and_what_it_lacks_is_reported(
    view: Run, tmp_path: Path
) -> None:
    arguments = ("--headless", "--size", "320x240", "--budget", "21", "--screenshot", tmp_path / "cube.png")
    done = view("scenes/cube.hu", *arguments)
    assert done.returncode == 0
    assert done.stderr.count("warning[plan.short]") == 1
    assert "drawn as fallback" in done.stderr
    assert images.load(tmp_path / "cube.png").shape == (240, 320, 4)


@gpu
def test_as_many_frames_are_drawn_as_were_requested(view: Run, tmp_path: Path) -> None:
    report = report_of(view, tmp_path, "--frames", "7")
    assert report["frames_drawn"] == 7 <= report["frames"]


@gpu
def test_disabling_takes_the_shadow_and_keeps_its_memory_deactivating_takes_both(
    view: Run, tmp_path: Path
) -> None:
    def run(name: str, *settings: str) -> tuple[int, images.Picture]:
        picture = tmp_path / f"{name}.png"
        given = [part for setting in settings for part in ("--set", setting)]
        live = report_of(view, tmp_path, "--screenshot", picture, *given)["plan"]["live_bytes"]
        return live, images.load(picture)

    live, shadowed = run("on")
    disabled_live, disabled = run("disabled", "cube.shadowCaster.enabled=false")
    inactive_live, inactive = run("inactive", "cube.shadowCaster.active=false")
    images.assert_different(disabled, shadowed, share=0.005)
    images.assert_same(inactive, disabled)
    assert disabled_live == live
    assert inactive_live <= live - SHADOW_MAP


@gpu
def test_a_headless_run_imports_no_window_no_ui_and_no_masked_arrays(root: Path) -> None:
    program = (
        "import sys; from viewer.main import main; "
        "code = main(['scenes/cube.hu', '--headless', '--size', '64x48']); "
        "loaded = {name.partition('.')[0] for name in sys.modules} & {'glfw', 'imgui_bundle'}; "
        "loaded |= {'numpy.ma'} & sys.modules.keys(); "
        "sys.exit(f'{code} {loaded}' if code or loaded else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=limit(100),
        check=False,
    )
    assert done.returncode == 0, done.stderr


@gpu
def test_a_window_run_writes_the_same_picture_as_a_headless_one(
    view: Run,
    view_process: Run,
    root: Path,
    tmp_path: Path,
    display: Display,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    window, plain = tmp_path / "window.png", tmp_path / "headless.png"
    size = ("--size", "320x240")
    report = tmp_path / "window.json"
    done = view_process(
        *("scenes/cube.hu", *size, "--frames", "40", "--validate"),
        *("--screenshot", window, "--report", report),
    )
    assert done.returncode == 0, done.stderr
    noted = last_plan(root / "scenes/cube.hu")
    assert view("scenes/cube.hu", *size, "--headless", "--screenshot", plain).returncode == 0
    images.assert_same(images.load(window), images.load(plain))
    facts = json.loads(report.read_text())
    assert facts["live_objects_after_close"] == 0
    assert facts["validation"] == {"enabled": True, "messages": 0}
    assert facts["plan"]["planned_bytes"] == facts["plan"]["live_bytes"]
    assert noted is not None
    assert noted.planned == facts["plan"]["planned_bytes"]


@gpu
def test_without_a_display_the_viewer_names_headless(view: Run, no_display: None) -> None:
    done = view("scenes/cube.hu")
    assert done.returncode == 3
    assert done.stderr.startswith("error[display.none]: ")
    assert "DISPLAY" in done.stderr
    assert "--headless" in done.stderr
    assert len(done.stderr.splitlines()) < 24


@pytest.mark.parametrize("arguments", [("scenes/cube.hu", "--headless"), ("--list-devices",)])
def test_without_a_vulkan_driver_the_viewer_says_what_to_install(
    view_process: Run, arguments: tuple[str, ...]
) -> None:
    nowhere = {"VK_ICD_FILENAMES": "/nowhere.json", "VK_DRIVER_FILES": "/nowhere.json"}
    done = view_process(*arguments, **nowhere)
    assert done.returncode == 3
    assert "mesa-vulkan-drivers" in done.stderr


@gpu
def test_an_unknown_device_is_refused_with_the_reason_per_adapter(view: Run) -> None:
    done = view("scenes/cube.hu", "--headless", "--device", "no such card")
    assert done.returncode == 3
    assert "no such card" in done.stderr


@gpu
def test_devices_are_listed_with_the_chosen_one_marked(view: Run) -> None:
    done = view("--list-devices")
    assert done.returncode == 0
    assert sum(line.startswith("* ") for line in done.stdout.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("scenes/nowhere.hu", "--headless"), "nowhere.hu"),
        (("scenes/cube.hu", "--headless", "--set", "cube.shadowCatser.active=false"), "shadowCaster"),
        (("scenes/cube.hu", "--headless", "--set", "cub.shadowCaster.active=false"), "cube"),
        (("scenes/cube.hu", "--headless", "--set", "cube.shadowCaster.active=maybe"), "maybe"),
        (("scenes/cube.hu", "--headless", "--screenshot", "no/such/folder/a.png"), "output.folder"),
        (("scenes/cube.hu", "--headless", "--report", "."), "output.folder"),
        (("scenes/cube.hu", "--headless", "--sky", "assets/builtin/environment/sky.hdr"), "scene.sky"),
    ],
)
def test_wrong_input_ends_with_2_and_a_block(view: Run, arguments: tuple[str, ...], code: str) -> None:
    done = view(*arguments)
    assert done.returncode == 2, done.stderr
    assert "error[" in done.stderr
    assert code in done.stderr


def test_a_text_with_several_errors_reports_them_together(view: Run, tmp_path: Path) -> None:
    scene = tmp_path / "broken.hu"
    scene.write_text("tableau: { name: x objects: {\n  a: { active: true active: false }\n  b: { 5 }\n} }\n")
    done = view(scene, "--headless")
    assert done.returncode == 2
    assert f"{scene}:2:" in done.stderr
    assert f"{scene}:3:" in done.stderr
    assert done.stderr.count("error[") == 2


@gpu
def test_a_scene_is_found_among_the_installed_ones(root: Path, tmp_path: Path) -> None:
    here = subprocess.run(
        [sys.executable, "-m", "viewer", "scenes/cube.hu", "--headless", "--size", "64x48"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=limit(100),
        check=False,
    )
    assert here.returncode == 0, here.stderr


@gpu
@pytest.mark.parametrize(
    ("where", "number", "code"),
    [
        ("--headless", signal.SIGINT, 130),
        ("--headless", signal.SIGHUP, 129),
        ("--validate", signal.SIGTERM, 143),
    ],
)
def test_a_signal_ends_in_order_with_its_code_and_every_file_written(
    root: Path, tmp_path: Path, display: Display, where: str, number: int, code: int
) -> None:
    files = [tmp_path / name for name in ("report.json", "script.py", "picture.png", "recording.py")]
    report, script, picture, recording = files
    script.write_text(
        "def run(scene):\n    scene.step()\n    print('drawn', flush=True)\n    scene.step(count=100_000)\n",
        encoding="utf-8",
    )
    arguments = ["scenes/cube.hu", where, "--size", "64x48", "--script", script]
    arguments += ["--report", report, "--screenshot", picture, "--record", recording]
    with stopping.started(root, "viewer", *arguments) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "drawn\n"
        child.send_signal(number)
        _, reported = child.communicate(timeout=limit(60))
    assert child.returncode == code, reported
    assert "Traceback" not in reported
    facts = json.loads(report.read_text())
    assert facts["live_objects_after_close"] == 0
    assert 0 < facts["frames"] < 100000
    assert images.load(picture).shape == (48, 64, 4)
    assert recording.exists()
