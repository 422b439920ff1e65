"""A file to write is never one that is read, nor one that another option names; nothing is written then."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pytest
from support.small_gltf import SmallGltf

from engine.cli.main import main as engine
from engine.cli.outputs import Output, check_unread, check_writable
from engine.humon import InputError
from viewer.main import main as viewer

ASSETS = """assetDb: { name: a assets: [ { @type: texture2d name: t source: "wood.png" } ] }
"""
SCENE = """include: [assets.hu]
tableau: { name: x objects: { } }
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    from PIL import Image

    (tmp_path / "diorama.project.hu").write_text("{}")
    (tmp_path / "assets.hu").write_text(ASSETS)
    (tmp_path / "main.hu").write_text(SCENE)
    (tmp_path / "rec.py").write_text("def run(scene):\n    pass\n")
    Image.new("RGB", (4, 4)).save(tmp_path / "wood.png")
    (tmp_path / "link.png").symlink_to("wood.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def refused(command: object, line: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    before = content(folder)
    assert callable(command)
    assert command(line.split()) == 2
    assert content(folder) == before
    return capsys.readouterr().err


@pytest.mark.parametrize("out", ["main.hu", "./main.hu", "assets.hu", "wood.png", "own.json"])
def test_a_plan_replaces_nothing_that_it_is_made_of(
    out: str, project: Path, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "own.json").write_bytes((root / "assets/profiles/lavapipe.json").read_bytes())
    message = refused(engine, f"plan main.hu --profile own.json --out {out}", project, capsys)
    assert message.startswith(f"error[output.input]: --out {Path(out)} would replace "), message
    assert "help: give --out another file" in message


@pytest.mark.parametrize(
    "options",
    [
        "--report main.hu",
        "--report assets.hu",
        "--screenshot wood.png",
        "--screenshot link.png",
        "--script rec.py --record rec.py",
        "--frames 3 --sequence woo#.png --report assets.hu",
    ],
)
def test_a_run_of_the_viewer_replaces_nothing_that_it_reads(
    options: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    message = refused(viewer, f"main.hu --headless {options}", project, capsys)
    assert message.startswith("error[output.input]: --"), message


@pytest.mark.parametrize(
    ("command", "options"),
    [(engine, "plan small.hu --out part.bin"), (viewer, "small.hu --headless --report part.bin")],
)
def test_what_a_source_names_in_turn_is_not_replaced(
    command: object, options: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = SmallGltf(project)
    small.pane({})
    small.scene({})
    model = json.loads((project / "small.gltf").read_text())
    (project / "part.bin").write_bytes(base64.b64decode(model["buffers"][0]["uri"].partition(",")[2]))
    model["buffers"][0]["uri"] = "part.bin"
    (project / "small.gltf").write_text(json.dumps(model))
    assert callable(command)
    before = (project / "part.bin").read_bytes()
    assert command(options.split()) == 2
    assert (project / "part.bin").read_bytes() == before
    assert "part.bin would replace" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options",
    [
        "--screenshot a.png --report a.png",
        "--screenshot a.png --report ./a.png",
        "--report a2.png --frames 3 --sequence a#.png",
        "--report rec.py --record rec.py",
    ],
)
def test_two_options_do_not_write_one_file(
    options: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    message = refused(viewer, f"main.hu --headless {options}", project, capsys)
    assert message.startswith("error[output.twice]: --"), message
    assert "help: give each of them a file of its own" in message


def test_pictures_of_a_sequence_do_not_replace_a_source(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "assets.hu").write_text(ASSETS.replace("wood.png", "w2.png"))
    (project / "wood.png").rename(project / "w2.png")
    (project / "link.png").unlink()
    message = refused(viewer, "main.hu --headless --frames 3 --sequence w#.png", project, capsys)
    assert "--sequence w2.png would replace" in message


def test_devices_and_pipes_may_be_named_twice(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (Path("/dev/null"), tmp_path / "pipe"):
        both = [Output("--screenshot", path), Output("--report", path)]
        check_writable(both)
        check_unread(both, [path])
    assert (tmp_path / "pipe").is_fifo(), "it was neither opened nor replaced"


def test_a_folder_that_is_missing_is_to_be_created_first(tmp_path: Path) -> None:
    with pytest.raises(InputError) as raised:
        check_writable([Output("--report", tmp_path / "my build" / "a.json")])
    (problem,) = raised.value.problems
    assert problem.message.endswith(f"there is no folder {tmp_path}/my build")
    assert problem.help == f"create it first: mkdir -p '{tmp_path}/my build'"
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="is not a folder"):
        check_writable([Output("--report", tmp_path / "file" / "a.json")])
