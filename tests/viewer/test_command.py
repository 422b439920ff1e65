"""The command `diorama`: the viewer for a scene, the engine for a command, with the exit codes of both."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.limits import limit

from engine.cli.main import COMMANDS
from engine.cli.main import make_parser as engine_parser
from viewer.arguments import make_parser as viewer_parser
from viewer.command import main


def help_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as left:
        main([*arguments, "--help"])
    assert left.value.code == 0
    return capsys.readouterr().out


def test_help_has_every_option_of_the_viewer_and_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    text = help_of(capsys)
    assert text.startswith("usage: diorama ")
    for action in viewer_parser()._actions:
        assert all(option in text for option in action.option_strings)
    for command, does in COMMANDS.items():
        assert any(line.split() == ["diorama", command, *does.split()] for line in text.splitlines())


def test_every_command_of_the_engine_is_one_of_diorama(capsys: pytest.CaptureFixture[str]) -> None:
    choices = engine_parser()._subparsers._group_actions[0].choices  # type: ignore[union-attr]
    assert list(COMMANDS) == list(choices)  # type: ignore[arg-type]
    for command in COMMANDS:
        assert help_of(capsys, command).startswith(f"usage: diorama {command} ")


def test_a_command_prints_what_the_module_prints(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "scenes/cube.hu", "--size", "320x240"]) == 0
    command = [sys.executable, "-m", "engine", "plan", "scenes/cube.hu", "--size", "320x240"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=limit(60), check=True)
    assert capsys.readouterr().out == done.stdout


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("plan no-such-scene.hu", 2),
        ("no-such-scene.hu --headless", 2),
        ("./plan --headless", 2),
        ("format --check {unusual}", 1),
    ],
)
def test_it_ends_with_the_exit_code_of_the_module(tmp_path: Path, line: str, code: int) -> None:
    unusual = tmp_path / "unusual.hu"
    unusual.write_text("a   :   [1,2]", encoding="utf-8")
    assert main([word.format(unusual=unusual) for word in line.split()]) == code


@pytest.mark.parametrize("line", ["", "--frames 0", "plan", "scenes/cube.hu --no-such-option"])
def test_a_wrong_command_line_leaves_with_code_2(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(line.split())
    assert left.value.code == 2
    printed = capsys.readouterr().err
    assert printed.startswith("error[option.value]: ")
    assert "\nhelp: `diorama " in printed


def test_importing_it_takes_the_standard_library_alone(root: Path) -> None:
    code = """
import sys
before = set(sys.modules)
import viewer.command
new = {name.split(".")[0] for name in set(sys.modules) - before}
print(*sorted(new - sys.stdlib_module_names - {"engine", "viewer"}))
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=limit(60), check=True)
    assert done.stdout.split() == []
