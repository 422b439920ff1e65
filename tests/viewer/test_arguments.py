"""The command line of the viewer."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.humon import InputError
from viewer import arguments


def test_every_option_of_the_command_line_is_read() -> None:
    line = (
        "cube.hu --headless --frames 7 --time 2.5 --fps 24 --size 640x480 --screenshot a.png "
        "--report a.json --set a.b.c=1 --set a/d.b.active=false --device llvm "
        "--no-validate --paging-cycles 3 --budget 256"
    )
    assert arguments.parse(line.split()) == arguments.Options(
        scene=Path("cube.hu"),
        headless=True,
        frames=7,
        time=2.5,
        fps=24,
        size=(640, 480),
        screenshot=Path("a.png"),
        report=Path("a.json"),
        settings=("a.b.c=1", "a/d.b.active=false"),
        device="llvm",
        validate=False,
        paging_cycles=3,
        budget_mib=256,
    )


def test_defaults_are_a_window_of_1280_by_720_with_validation_undecided() -> None:
    options = arguments.parse(["cube.hu"])
    assert (options.size, options.headless, options.validate, options.frames) == (
        (1280, 720),
        False,
        None,
        None,
    )


@pytest.mark.parametrize(
    "line",
    [
        "",
        "cube.hu --frames 0",
        "cube.hu --frames -3",
        "cube.hu --time -1",
        "cube.hu --time 1e3",
        "cube.hu --time nan",
        "cube.hu --time 1.2.3",
        "cube.hu --time .",
        "cube.hu --time 1234567890",
        "cube.hu --fps 0",
        "cube.hu --fps 23.9",
        "cube.hu --frames ٣٣x",
        "cube.hu --size 640",
        "cube.hu --size 640x0",
        "cube.hu --size 999999x2",
        "cube.hu --screenshot a.jpg",
        "cube.hu --set cube.shadowCaster.active",
        "cube.hu --set active=false",
        "cube.hu --budget 1e3",
        "cube.hu --head",
    ],
)
def test_a_wrong_command_line_leaves_with_code_2(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        arguments.parse(line.split())
    assert left.value.code == 2
    printed = capsys.readouterr().err
    assert printed.startswith("error[option.value]: ")
    advice = (
        "did you mean '--headless'?" if "--head" in line else "`python -m viewer --help` lists all options"
    )
    assert printed.endswith(f"\nhelp: {advice}\n")


@pytest.mark.parametrize(
    "line",
    [
        *(
            f"cube.hu --frames {n}"
            for n in ("٣", "1_000", "+3", "1e3", "1.0", "３", "²", "1,5", "-3", "0x10")
        ),
        *(f"cube.hu --{name} ٣" for name in ("budget", "paging-cycles")),
        *(f"cube.hu --size {n}" for n in ("１x２", "٣x٤", "1280×720", "1_280x720", "1280x+720")),
    ],
)
def test_a_number_in_another_notation_is_refused_with_a_hint(
    line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        arguments.parse(line.split(" "))
    assert left.value.code == 2
    assert "write it with the digits 0 to 9" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--frames 99999999999", "99999999999 is more than 999999999"),
        ("--paging-cycles 1000000000", "1000000000 is more than 999999999"),
        (f"--budget {'7' * 10_000}", f"{'7' * 40}... is more than 999999999"),
        ("--time 10000000000", "10000000000 is more than 999999999"),
        ("--time 0.1234567891", "'0.1234567891' has more than 9 digits behind the point"),
    ],
)
def test_a_number_that_is_too_large_is_refused_with_the_limit(
    line: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        arguments.parse(["cube.hu", *line.split()])
    assert said in capsys.readouterr().err


def test_scenes_may_stand_before_and_behind_options() -> None:
    options = arguments.parse(["a.hu", "--size", "64x48", "b.hu", "--headless", "c.hu"])
    assert options.scene == Path("a.hu")
    assert options.more_scenes == (Path("b.hu"), Path("c.hu"))
    options = arguments.parse(["--headless", "--", "-a.hu", "--frames"])
    assert (options.scene, options.more_scenes) == (Path("-a.hu"), (Path("--frames"),))


def test_zeros_before_a_number_do_not_count() -> None:
    options = arguments.parse(["cube.hu", "--frames", "00000000000012", "--time", "0000000000001.50"])
    assert (options.frames, options.time) == (12, 1.5)


def test_a_picture_may_go_into_a_device_whatever_its_name() -> None:
    assert arguments.parse(["cube.hu", "--screenshot", "/dev/null"]).screenshot == Path("/dev/null")


def test_help_names_every_option_and_every_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        arguments.parse(["--help"])
    assert left.value.code == 0
    text = capsys.readouterr().out
    names = "headless frames size screenshot report set device list-devices validate no-validate budget"
    for name in names.split(" "):
        assert f"--{name}" in text
    for code in ("0 ", "2 ", "3 ", "4 ", "129 ", "130 ", "143 "):
        assert f"\n  {code}" in text


def test_listing_devices_needs_no_scene() -> None:
    assert arguments.parse(["--list-devices"]).scene is None


def test_several_scenes_are_read_in_order_and_not_recorded(capsys: pytest.CaptureFixture[str]) -> None:
    options = arguments.parse(["a.hu", "b.hu", "c.hu"])
    assert (options.scene, options.more_scenes) == (Path("a.hu"), (Path("b.hu"), Path("c.hu")))
    assert options.title == "a.hu b.hu c.hu"
    with pytest.raises(InputError, match=r"scene.several"):
        arguments.parse(["a.hu", "b.hu", "--record", "a.py"])
