"""The command line as a whole: help, wrong arguments, exit codes."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import pytest
from support.commands import Run
from support.limits import limit

from engine.cli.exits import ExitCode, guarded
from engine.cli.main import make_parser
from engine.humon import InputError, Position, Problem
from engine.plan.terms.errors import PlanError
from engine.vk.errors import (
    DeviceLost,
    NoDevice,
    OutOfDeviceMemory,
    OutOfHostMemory,
    OutOfPoolMemory,
    Result,
    TookTooLong,
)
from viewer.arguments import make_parser as make_viewer_parser

COMMANDS = ("cook", "plan", "why", "diff", "doctor", "format")


def test_the_help_names_every_command_and_exit_code() -> None:
    text = make_parser().format_help()
    for command in COMMANDS:
        assert f"    {command} " in text
    for code in (0, 1, 2, 3, 129, 130, 143):
        assert f"\n  {code} " in text


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_explains_all_its_options(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        make_parser().parse_args([command, "--help"])
    assert left.value.code == 0
    text = capsys.readouterr().out
    parser = make_parser()._subparsers._group_actions[0].choices[command]  # type: ignore[union-attr,index]
    for action in parser._actions:
        assert action.help, f"{command} {action.dest} has no help"
    assert text.startswith(f"usage: python -m engine {command}")


@pytest.mark.parametrize(
    "arguments",
    [[], ["bake"], ["plan"], ["plan", "a.hu", "--size", "0x3"], ["plan", "a.hu", "--size", "big"], ["cook"]],
)
def test_a_wrong_command_line_ends_with_2_and_no_traceback(engine: Run, arguments: list[str]) -> None:
    done = engine(*arguments)
    assert done.returncode == ExitCode.INPUT
    assert done.stderr.startswith("error[option.value]: ")
    assert "\nhelp: " in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("raised", "code", "words"),
    [
        (InputError(Problem("x.y", "is wrong", Position("a.hu", 1, 2))), 2, "a.hu:1:2: error[x.y]: is wrong"),
        (NoDevice("choose", Result.INITIALIZATION_FAILED, ("too old",), ("apt: a-driver",)), 3, "too old"),
        (NoDevice("choose", Result.INITIALIZATION_FAILED, ("r",), ("apt: a-driver",)), 3, "install a-driver"),
        (DeviceLost("vkQueueSubmit2", Result.DEVICE_LOST), 4, "vkQueueSubmit2"),
        (OutOfDeviceMemory("vkAllocateMemory", Result.OUT_OF_DEVICE_MEMORY), 4, "OUT_OF_DEVICE_MEMORY"),
        (OutOfHostMemory("vkCreateBuffer", Result.OUT_OF_HOST_MEMORY), 4, "OUT_OF_HOST_MEMORY"),
        (OutOfPoolMemory("vkAllocateDescriptorSets", Result.FRAGMENTED_POOL), 4, "FRAGMENTED_POOL"),
        (TookTooLong("vkWaitSemaphores", Result.TIMEOUT, "frames: 7 is not finished"), 4, "[device.slow]"),
        (
            PlanError("plan.budget", "does not fit", "use less"),
            2,
            "error[plan.budget]: does not fit\nhelp: use",
        ),
        (KeyboardInterrupt(), 130, "stopped"),
    ],
)
def test_an_error_of_a_user_ends_with_a_message_and_its_code(
    raised: BaseException, code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def command() -> int:
        raise raised

    assert guarded(command) == code
    assert words in capsys.readouterr().err


def test_our_own_bugs_are_not_reported_as_input_errors() -> None:
    def command() -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        guarded(command)


def test_a_closed_pipe_ends_the_command_quietly(root: Path) -> None:
    code = "import sys\nfrom engine.cli.exits import guarded\n"
    code += "sys.exit(guarded(lambda: [print('x' * 1000) for _ in range(10000)] and 0))"
    writer = subprocess.Popen(
        [sys.executable, "-c", code], cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert writer.stdout is not None
    assert writer.stderr is not None
    writer.stdout.read(10)
    writer.stdout.close()
    assert writer.wait(timeout=limit(30)) == 0
    assert writer.stderr.read() == b""
    writer.stderr.close()


@pytest.mark.parametrize("number", ["٣", "３", "1_0", "+1", " 1", "1e0", "1.0", "0x1", "²"])
@pytest.mark.parametrize("line", ["import a.obj --out b --levels", "cook a.hu --jobs", "plan a.hu --budget"])
def test_a_number_in_another_notation_is_refused_with_a_hint(
    line: str, number: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        make_parser().parse_args([*line.split(), number])
    assert left.value.code == 2
    assert "write it with the digits 0 to 9" in capsys.readouterr().err


def test_no_option_takes_numbers_as_python_writes_them() -> None:
    left = [make_parser(), make_viewer_parser()]
    actions: list[argparse.Action] = []
    while left:
        for action in left.pop()._actions:
            actions.append(action)
            left += action.choices.values() if isinstance(action, argparse._SubParsersAction) else ()
    assert len(actions) > 40
    assert [action.dest for action in actions if action.type in (int, float, complex)] == []
    assert make_parser().parse_args(["import", "a.obj", "--out", "b", "--levels", "0"]).levels == 0
