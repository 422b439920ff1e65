"""Random command lines of all programs end with a documented exit code and never with a traceback."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.sampling import Sample

from engine.cli.exits import ExitCode
from engine.cli.main import COMMANDS
from engine.cli.main import main as engine
from viewer.command import main as diorama
from viewer.main import main as viewer

Rng = np.random.Generator
SCENE = """tableau: {
    name: small
    objects: {
        eye: { translation: [0 0 5]  features: [{ @type: camera }] }
        cube: { scale: [1 1 1] }
    }
}
"""
OTHER = SCENE.replace("small", "other").replace("@type: camera", "@type: camera  fovY: 30  exposure: 2")
MODEL = "mtllib none.mtl\nv 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n"
NAMES = (
    "small.hu",
    "model.obj",
    "wrong.glb",
    "wrong.snapshot.hu",
    "other.hu",
    "wrong.hu",
    "missing.hu",
    "folder",
    "plan.hu",
    "x" * 300,
    "\udcff.hu",
    "a\nb",
    "",
    "-",
)
VALUES = (
    *NAMES,
    "1",
    "0",
    "-1",
    "٣",
    "1_0",
    "1e3",
    "64x48",
    "１x２",
    "99999999999",
    "lavapipe",
    "x.json",
    "=",
    "0.5",
    "1e999",
    "nan",
    "out/###.png",
    "#.hdr",
    "##.exr",
    "a#b#.png",
    "####.jpg",
)
SETTINGS = (
    "eye.camera.active=false",
    "cube.scale=0,5",
    "cube.scale=[1 1 ٣]",
    "nothing.x=1",
    "a.b",
    "=",
    "eye=",
)
VIEWER_OPTIONS = (
    "--headless",
    "--frames",
    "--time",
    "--fps",
    "--sequence",
    "--size",
    "--screenshot",
    "--report",
    "--script",
    "--record",
    "--set",
    "--device",
    "--list-devices",
    "--validate",
    "--no-validate",
    "--no-live",
    "--paging-cycles",
    "--budget",
    "--unknown",
)
ENGINE_OPTIONS = (
    "--profile",
    "--size",
    "--budget",
    "--out",
    "--requirements",
    "--against",
    "--jobs",
    "--check",
    "--replace",
    "--levels",
    "--diff",
    "--device",
    "--help",
    "--unknown",
)


def pick(rng: Rng, among: tuple[str, ...]) -> str:
    return among[int(rng.integers(len(among)))]


def options(rng: Rng, among: tuple[str, ...]) -> list[str]:
    words = []
    for _ in range(int(rng.integers(4))):
        words.append(pick(rng, among))
        if rng.integers(3):
            words.append(pick(rng, SETTINGS if words[-1] == "--set" else VALUES))
    return words


def line(rng: Rng) -> tuple[Callable[[list[str]], int], list[str]]:
    """Draw a program and its arguments. Doctor starts processes, and a viewer with --headless draws."""
    commands = tuple(name for name in COMMANDS if name != "doctor")
    names = [pick(rng, NAMES) for _ in range(int(rng.integers(3)))]
    if rng.integers(2):
        names = [["small.hu"], ["small.hu", "other.hu"], ["small.hu", "small.hu"]][int(rng.integers(3))]
    elif rng.integers(4) == 0:
        names = ["model.obj", *(["--out", "made"] if rng.integers(2) else [])]
    if rng.integers(2):
        words = [pick(rng, commands), *names, *options(rng, ENGINE_OPTIONS)]
        if rng.integers(4) == 0:
            words = [words[i] for i in rng.permutation(len(words))]
        return (engine if rng.integers(3) else diorama), words
    words = [*names, *options(rng, VIEWER_OPTIONS)]
    words = [words[i] for i in rng.permutation(len(words))]
    return (viewer if rng.integers(3) else diorama), words


def test_random_command_lines_end_with_a_documented_code(
    tmp_path: Path,
    sample: Sample,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_device(*_: object) -> int:
        return ExitCode.DONE

    monkeypatch.setattr("viewer.main.view", checked_only)
    monkeypatch.setattr("viewer.main.list_devices", no_device)
    documented = {int(code) for code in ExitCode}
    for seed in sample.seeds(40, 500):
        folder = tmp_path / str(seed)
        (folder / "folder").mkdir(parents=True)
        (folder / "small.hu").write_text(SCENE, encoding="utf-8")
        (folder / "other.hu").write_text(OTHER, encoding="utf-8")
        (folder / "wrong.hu").write_text("tableau: [", encoding="utf-8")
        (folder / "model.obj").write_text(MODEL, encoding="utf-8")
        (folder / "wrong.glb").write_bytes(b"glTF\2\0\0\0\xff\xff\xff\xff")
        (folder / "wrong.snapshot.hu").write_text("snapshot: { version: 1 }", encoding="utf-8")
        monkeypatch.chdir(folder)
        program, words = line(np.random.default_rng(seed))
        try:
            code = program(words)
        except SystemExit as ended:
            code = int(ended.code or 0)
        printed = capsys.readouterr()
        assert code in documented, (seed, words)
        assert "Traceback" not in printed.err, (seed, words)
        assert code == 0 or printed.err or "--check" in words, (seed, words)
        assert not list(folder.rglob("*.saving")), (seed, words)


def checked_only(options: object) -> int:
    """Stand in for a run: read everything that a command line names, and draw nothing."""
    from typing import cast

    from engine.cli.outputs import check_writable
    from viewer.arguments import Options
    from viewer.main import read_script
    from viewer.run.scene_opening import opened

    given = cast("Options", options)
    check_writable(given.outputs)
    read_script(given.script)
    with opened(given):
        return ExitCode.DONE
