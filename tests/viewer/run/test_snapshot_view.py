"""`python -m viewer NAME.snapshot.hu` shows a snapshot in a window, and prints it where there is none."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.display import Display
from support.limits import limit
from support.random_scenes import profile
from support.scenes import CUBE, ROOT

from engine.humon import InputError
from engine.planning.offline import plan_scene
from engine.tableau import Tableau
from viewer.arguments import parse
from viewer.panels.history.files.snapshot_file import write_snapshot
from viewer.panels.history.files.snapshot_reader import read_snapshot
from viewer.panels.history.memory_image import MemoryImage
from viewer.panels.history.snapshots import Snapshot
from viewer.panels.memory.why_model import WhyModel
from viewer.run import snapshot_view


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("snapshots") / "cube.snapshot.hu"
    plan = plan_scene(CUBE, profile("nvidia-h200"), (64, 64)).plan
    write_snapshot(path, Snapshot("before", "cube.hu", 12, MemoryImage.of(plan), plan.planned_bytes))
    return path


def view(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "viewer", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=limit(60), check=False)


def test_without_a_display_a_snapshot_is_printed(file: Path, no_display: None) -> None:
    done = view(file)
    assert done.returncode == 0
    assert "no display or device" in done.stderr
    assert "snapshot 'before' of cube.hu, frame 12" in done.stdout
    assert "shadowMap" in done.stdout
    headless = view(file, "--headless")
    assert (headless.returncode, headless.stderr) == (0, "")
    assert headless.stdout == done.stdout


def test_the_nearest_name_is_given_for_a_snapshot_that_is_not_there(file: Path) -> None:
    options = parse([str(file.with_name("cub.snapshot.hu")), "--headless"])
    with pytest.raises(InputError) as error:
        snapshot_view.view_snapshot(options)
    (problem,) = error.value.problems
    assert problem.code == "file.missing"
    assert problem.help == f"did you mean '{file}'?"


def test_a_printed_snapshot_needs_no_device(file: Path) -> None:
    code = (
        "import sys; sys.modules['vulkan'] = None\n"
        "from viewer.main import main\n"
        f"main([{str(file)!r}, '--headless'])\n"
        "assert 'imgui_bundle' not in sys.modules and 'glfw' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=limit(60), check=False
    )
    assert done.returncode == 0, done.stderr
    assert "allocated in" in done.stdout


def test_a_bad_snapshot_is_an_input_error(file: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.snapshot.hu"
    text = file.read_text()
    bad.write_text(text.replace("version: 1", "version: 9"))
    done = view(bad, "--headless")
    assert done.returncode == 2
    assert "error[snapshot.version]" in done.stderr
    assert f"{bad}:2:" in done.stderr
    assert "help:" in done.stderr
    assert "Traceback" not in done.stderr
    done = view(file, "scenes/cube.hu")
    assert done.returncode == 2
    assert "error[snapshot.alone]" in done.stderr


@pytest.mark.parametrize(
    "outputs", [("--screenshot", "x.png"), ("--report", "y.json"), ("--frames", "2", "--sequence", "#.png")]
)
def test_options_that_write_are_refused_for_a_snapshot(file: Path, outputs: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match=r"snapshot\.alone"):
        snapshot_view.view_snapshot(parse([str(file), "--headless", *outputs]))


@pytest.mark.gpu
def test_a_window_shows_the_memory_of_a_snapshot(
    file: Path, display: Display, monkeypatch: pytest.MonkeyPatch
) -> None:
    from viewer.run.windowed import WindowFrames

    shown, places, commands = [], set[str](), set[tuple[str, str]]()
    step = WindowFrames.step

    def watched(self: WindowFrames) -> object:
        found = step(self)
        panels, session = self.workspace.panels, self.session
        if "panel memory" in session.places:
            models = panels["memory"].panel._shared.models()
            texts = [panels[title].panel._text for title in ("outliner", "properties", "assets")]
            shown.append((models, texts, session.statistics.live_bytes, session.runtime.problems))
            places.update(session.places)
            commands.update((command.menu, command.title) for command in session.commands)
            if len(shown) == 2:
                self.workspace.show("snapshots")
        return found

    monkeypatch.setattr(WindowFrames, "step", watched)
    options = parse([str(file), "--size", "1200x700", "--frames", "8"])
    assert snapshot_view.view_snapshot(options) == 0
    models, texts, live, problems = shown[-1]
    snapshot = read_snapshot(file)
    keys = models.plan.requirements.keys
    rows = models.plan.memory.subresources
    names = [keys.name(key) for key in rows["key"].tolist()]
    assert names == [snapshot.image.names.name(key) for key in snapshot.image.places["key"].tolist()]
    assert models.plan.planned_bytes == snapshot.image.allocated == live
    assert models.plan.profile.name == snapshot.image.device.name
    at = names.index("shadowMap")
    why = WhyModel(models.plan, Tableau([]), int(rows["key"][at]))
    assert [why.row(0).feature, why.row(0).object_path, why.row(0).file] == [
        "light",
        "sun",
        "scenes/cube.hu",
    ]
    assert all("No scene is open: this is the memory of cube.hu in frame 12" in text for text in texts)
    assert problems == ()
    assert {"memory view treemap", "memory fit"} <= places
    assert places.isdisjoint(
        {"compact", "memory layer wanted", "tool move", "snapshot take", "snapshot base"}
    )
    assert {menu for menu, _ in commands} == {"File", "View", "Help"}
    assert {title for menu, title in commands if menu == "File"} == {"Open...", "Quit"}
    assert {place for place in places if re.fullmatch("menu [A-Z][a-z]+", place)} == {
        "menu File",
        "menu View",
        "menu Help",
    }
    assert ("View", "Grid") not in commands, "there is nothing that it could be drawn in"
