"""The command line of `python -m viewer`: every option, its help and its checks."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from engine.cli.argument_types import DEFAULT_SIZE, Parser, add_size, positive, seconds
from engine.cli.outputs import Output
from engine.humon import InputError, Problem
from viewer.numbered_files import NumberedFiles, numbered_files

EXIT_CODES = """\
exit codes:
  0    done; what is wrong with single assets, features or objects is printed, and left out
  1    a scene script failed; one that exits with a code of its own ends the run with that
  2    the command line is wrong, or a file that it names cannot be used
  3    no usable Vulkan device or display
  4    the device was lost or out of memory and could not recover
  129  ended by SIGHUP: as by Ctrl-C
  130  ended by Ctrl-C: everything was released in order, and the requested files are
       written if frames were drawn
  143  ended by SIGTERM: as by Ctrl-C

keys and mouse in the window:
  click select, left drag orbit, middle or shift+left drag pan, wheel zoom,
  right drag look, with W A S D Q E fly (shift: faster);
  F1 lists all keys, Ctrl+P finds commands, Tab shows or hides the panels
"""


@dataclass(frozen=True, slots=True)
class Options:
    """The options of one run of the viewer; sizes in pixels, times in seconds, the budget in MiB.

    `more_scenes` are shown together with `scene`, `sky` is around those that are models. With `fits_display`,
    a window has `size` times the scale of the display, as far as that has room.
    """

    scene: Path | None
    more_scenes: tuple[Path, ...] = ()
    sky: Path | None = None
    headless: bool = False
    live: bool = True
    frames: int | None = None
    time: float = 0.0
    fps: int | None = None
    size: tuple[int, int] = DEFAULT_SIZE
    fits_display: bool = False
    screenshot: Path | None = None
    sequence: NumberedFiles | None = None
    report: Path | None = None
    script: Path | None = None
    record: Path | None = None
    settings: tuple[str, ...] = ()
    device: str | None = None
    list_devices: bool = False
    validate: bool | None = None
    paging_cycles: int | None = None
    budget_mib: int | None = None

    @property
    def title(self) -> str:
        """The scenes, as given."""
        return " ".join(str(scene) for scene in (self.scene, *self.more_scenes))

    @property
    def outputs(self) -> list[Output]:
        """The files that the run writes; of a sequence the first, and those that are there or named twice."""
        given = [
            Output(option, path)
            for option, path in (
                ("--screenshot", self.screenshot),
                ("--report", self.report),
                ("--record", self.record),
            )
            if path is not None
        ]
        if self.sequence is None:
            return given
        numbered = self.sequence.known(self.frames or 1, [output.path.name for output in given])
        return [*given, *(Output("--sequence", path) for path in numbered)]

    @property
    def is_counted(self) -> bool:
        """Whether frames are counted, written or noted one by one: each has what was changed before it."""
        counted = (self.frames, self.sequence, self.script, self.record)
        return any(option is not None for option in counted)

    @property
    def shows_counted(self) -> bool:
        """Whether pictures of counted frames are written: these are counted once everything is resident."""
        return self.sequence is not None or (self.screenshot is not None and self.frames is not None)

    @property
    def wants_validation(self) -> bool:
        """Whether to enable the validation layers: as given, else if headless or under test."""
        if self.validate is not None:
            return self.validate
        return self.headless or "PYTEST_CURRENT_TEST" in os.environ


def parse(arguments: Sequence[str] | None = None, parser: argparse.ArgumentParser | None = None) -> Options:
    """Read the command line; a wrong one prints the usage and raises SystemExit(2), as argparse does.

    Raises InputError `sequence.pattern` or `sequence.frames` for a sequence that cannot be numbered, and
    `scene.several` for several scenes to record.
    """
    parser = parser or make_parser()
    arguments = sys.argv[1:] if arguments is None else arguments
    # Scenes may stand apart; argparse then does not know `--`, behind which all are names of files.
    read = parser.parse_args if "--" in arguments else parser.parse_intermixed_args
    given = read(arguments)
    if not given.scenes and not given.list_devices:
        parser.error("a scene file is required, for example scenes/cube.hu")
    if given.record is not None and len(given.scenes) > 1:
        message = f"--record {given.record} records one scene, not {len(given.scenes)}"
        raise InputError(Problem("scene.several", message, help="record each of them by itself"))
    options = Options(
        scene=given.scenes[0] if given.scenes else None,
        more_scenes=tuple(given.scenes[1:]),
        sky=given.sky,
        headless=given.headless,
        live=not given.no_live,
        frames=given.frames,
        time=given.time,
        fps=given.fps,
        size=given.size or DEFAULT_SIZE,
        screenshot=given.screenshot,
        sequence=numbered_files(given.sequence, given.frames) if given.sequence is not None else None,
        report=given.report,
        script=given.script,
        record=given.record,
        settings=tuple(given.settings),
        device=given.device,
        list_devices=given.list_devices,
        validate=given.validate,
        paging_cycles=given.paging_cycles,
        budget_mib=given.budget,
    )
    is_read = options.is_counted or options.screenshot is not None
    return replace(options, fits_display=given.size is None and not is_read)


def make_parser(prog: str = "python -m viewer", more: str = "") -> argparse.ArgumentParser:
    """Make the parser of `prog`; its help ends with `more`."""
    parser = Parser(
        prog=prog,
        description="Open scenes in a window, or render them without one.",
        epilog=EXIT_CODES + more,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "scenes",
        metavar="SCENE",
        nargs="*",
        type=Path,
        help="the scene file (.hu), or a model (.glb, .gltf, .obj); several are shown together, each below\n"
        "an object named after it; or a snapshot of memory (.snapshot.hu), which is shown by itself",
    )
    parser.add_argument(
        "--sky",
        metavar="FILE",
        type=Path,
        help="the sky and the light around models: a picture of all directions (.hdr, .exr, .ktx2, .png)",
    )
    parser.add_argument(
        "--headless", action="store_true", help="no window, no display server; the same passes into an image"
    )
    parser.add_argument(
        "--no-live",
        action="store_true",
        help="do not watch the scene's sources: a window shows what is saved in them at once",
    )
    parser.add_argument(
        "--frames",
        metavar="N",
        type=positive,
        help="stop after N drawn frames (headless default: until settled, then one); with --screenshot or "
        "--sequence they are counted from when everything is resident",
    )
    parser.add_argument(
        "--time",
        metavar="SECONDS",
        type=seconds,
        default=0.0,
        help="the time of the scene at the first frame (default: 0)",
    )
    parser.add_argument(
        "--fps",
        metavar="N",
        type=positive,
        help="let each frame be 1/N s of the scene's time (default: 60 headless, the real time in a window)",
    )
    add_size(parser)
    parser.set_defaults(size=None)  # it is then that of the display
    parser.add_argument(
        "--screenshot",
        metavar="FILE.png",
        type=_png,
        help="write the last frame, without the inspector",
    )
    parser.add_argument(
        "--sequence",
        metavar="PATTERN",
        help="write each of the --frames, numbered at the # of PATTERN, e.g. out/####.png; .exr and .hdr are "
        "the light of the scene before exposure and tone mapping",
    )
    parser.add_argument("--report", metavar="FILE.json", type=Path, help="write the facts of the run as JSON")
    parser.add_argument(
        "--script",
        metavar="FILE.py",
        type=Path,
        help="run a scene script (its run(scene)), then go on; exit with 1 if the script raises",
    )
    parser.add_argument(
        "--record",
        metavar="FILE",
        type=_recording,
        help="record all changes of the scene as a script that replays them, FILE.py or FILE.test.hu",
    )
    parser.add_argument(
        "--set",
        metavar="PATH.FEATURE.FIELD=VALUE",
        dest="settings",
        action="append",
        default=[],
        type=_setting,
        help="change a field before the first frame, e.g. cube.shadowCaster.active=false; repeatable",
    )
    parser.add_argument("--device", metavar="TEXT", help="use the device whose name contains this text")
    parser.add_argument("--list-devices", action="store_true", help="list the Vulkan devices and exit")
    parser.add_argument(
        "--validate",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="validation layers (default: on where installed when headless or under test)",
    )
    parser.add_argument(
        "--paging-cycles",
        metavar="N",
        type=positive,
        help="run N paging cycles in a frame, whatever they cost (default: 2 at most, within 0.4 ms of CPU)",
    )
    parser.add_argument(
        "--budget", metavar="MIB", type=positive, help="limit each memory heap to so many MiB"
    )
    return parser


def _recording(text: str) -> Path:
    if not text.endswith((".py", ".test.hu")):
        raise argparse.ArgumentTypeError(f"'{text}' ends neither in .py nor in .test.hu")
    return Path(text)


def _png(text: str) -> Path:
    is_special = os.path.exists(text) and not os.path.isfile(text) and not os.path.isdir(text)
    if not text.lower().endswith(".png") and not is_special:  # /dev/stdout, a FIFO
        raise argparse.ArgumentTypeError(f"'{text}' does not end in .png")
    return Path(text)


def _setting(text: str) -> str:
    place, equals, _value = text.partition("=")
    if not equals or "." not in place:
        raise argparse.ArgumentTypeError(f"'{text}' is not PATH.FEATURE.FIELD=VALUE")
    return text
