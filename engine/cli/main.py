"""The arguments of `python -m engine`, and the dispatch to its commands."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from engine.cli.argument_types import Parser, add_size, positive, up_to
from engine.cli.exits import guarded
from engine.cli.profiles import DEFAULT_PROFILE
from engine.humon.collector import collector_paused

PROG = "python -m engine"
EXIT_CODES = """\
exit codes:
  0    done; what is wrong with single assets, features or objects is printed, and left out
  1    format --check found a file that would change
  2    the command line is wrong, or a file that it names cannot be used
  3    no usable Vulkan device
  129  ended by SIGHUP
  130  ended by Ctrl-C
  143  ended by SIGTERM
"""
COMMANDS = {
    "import": "write a scene around a model file (.glb, .gltf, .obj), to be edited by hand",
    "assets": "list the databases of a project, and what of them would be cooked",
    "cook": "import and compile the assets of a scene into its caches",
    "plan": "print what a scene keeps in GPU memory, where, and why",
    "why": "explain what is in GPU memory, and which features request it",
    "diff": "print the difference of two plans in bytes, and the schedule from the first to the second",
    "doctor": "list what this machine has, what is missing, and how to install it",
    "format": "format .hu files in the standard layout; comments stay",
}
"""The commands, each with a description in one line."""

SCENE_HELP = "the scene file (.hu), or a model (.glb, .gltf, .obj)"

_MODULES = {"import": "import_model"}
"""The modules of commands whose names are words of Python."""


def make_parser(prog: str = PROG) -> argparse.ArgumentParser:
    """Make the parser of `prog`; each command is run by the module of its name in `engine.cli.commands`."""
    parser = Parser(
        prog=prog,
        description="Look at scenes and machines without opening a window. See also: python -m viewer --help",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_import(commands)
    _add_assets(commands)
    _add_cook(commands)
    _add_plan(commands)
    _add_why(commands)
    _add_diff(commands)
    _add_doctor(commands)
    _add_format(commands)
    return parser


def _add(commands: argparse._SubParsersAction[Parser], name: str, more: str) -> argparse.ArgumentParser:
    text = COMMANDS[name]
    return commands.add_parser(
        name,
        help=text,
        description=f"{text[0].upper()}{text[1:]}.",
        epilog=more,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def _add_import(commands: argparse._SubParsersAction[Parser]) -> None:
    importing = _add(
        commands,
        "import",
        "Writes NAME.assets.hu, whose assets have the model as their source, and NAME.hu with its objects.\n"
        "A model can also be opened as it is: `python -m viewer MODEL`.",
    )
    importing.add_argument("model", metavar="MODEL", type=Path, help="a .glb, .gltf or .obj file")
    importing.add_argument(
        "--out",
        metavar="DIR",
        type=Path,
        required=True,
        help="the folder to write to, made if it is not there",
    )
    importing.add_argument(
        "--sky",
        metavar="FILE",
        type=Path,
        help="the sky and the light around it: a picture of all directions (.hdr, .exr, .ktx2, .png)",
    )
    importing.add_argument("--replace", action="store_true", help="replace files that are there already")
    importing.add_argument(
        "--levels",
        type=up_to(15),  # less than MAX_LODS, of a package that is not imported for the command line
        default=3,
        metavar="N",
        help="let up to N coarser levels be made of large meshes (default 3, 0 for none)",
    )
    importing.add_argument(
        "--compress",
        action="store_true",
        help="make blocks of all textures when they are cooked: a quarter of the memory, but slower to cook",
    )


def _add_assets(commands: argparse._SubParsersAction[Parser]) -> None:
    assets = _add(
        commands,
        "assets",
        "Assets with data are cooked, stale (a source or parameter has changed), missing (a source is not\n"
        "there) or broken; others are the same as in the last cook, or changed. No cache is written: --diff\n"
        "makes what is stale aside. With a scene, assets that no feature of it uses are marked as unused.",
    )
    assets.add_argument(
        "scene", metavar="SCENE", type=Path, nargs="?", help="a scene (default: all below the project root)"
    )
    assets.add_argument(
        "--diff",
        action="store_true",
        help="only what differs from what was cooked; of a scene also the bytes moved and transferred",
    )
    assets.add_argument("--profile", metavar="NAME", help="the device that --diff plans for (or FILE.json)")
    assets.add_argument(
        "--format",
        choices=("table", "humon", "json"),
        help="how to write it (default: a table on a terminal, else Humon)",
    )


def _add_cook(commands: argparse._SubParsersAction[Parser]) -> None:
    cook = _add(
        commands,
        "cook",
        "Assets that are up to date are not cooked again. A broken asset is reported with its place and\n"
        "drawn as a placeholder.",
    )
    cook.add_argument("scene", metavar="SCENE", type=Path, help=SCENE_HELP)
    cook.add_argument("--jobs", metavar="N", type=positive, help="workers (default: one per core)")


def _add_plan(commands: argparse._SubParsersAction[Parser]) -> None:
    plan = _add(
        commands,
        "plan",
        "Needs neither Vulkan nor a display: the GPU is a recorded profile. The same input gives the same\n"
        "text. `python -m engine doctor --record FILE.json` records the GPU of a machine.",
    )
    _add_scene_and_device(plan)
    instead = plan.add_mutually_exclusive_group()
    instead.add_argument(
        "--requirements",
        action="store_true",
        help="print the requirements of assets and features instead, each with its requesters",
    )
    plan.add_argument("--out", metavar="FILE.hu", type=Path, help="write to this file instead of printing")
    instead.add_argument(
        "--against",
        metavar="OLD.hu",
        type=Path,
        help="print what would be allocated, freed, moved and transferred to replace the plan in OLD.hu",
    )


def _add_diff(commands: argparse._SubParsersAction[Parser]) -> None:
    diff = _add(
        commands,
        "diff",
        "The schedule ends at B exactly. Plans that differ only in order are compatible; it is empty then.",
    )
    diff.add_argument("old", metavar="A.hu", type=Path, help="the plan that is resident, from `plan --out`")
    diff.add_argument("new", metavar="B.hu", type=Path, help="the plan to get to")
    diff.add_argument(
        "--profile", metavar="NAME|FILE.json", help="the device profile (default: the one A.hu was made for)"
    )


def _add_why(commands: argparse._SubParsersAction[Parser]) -> None:
    why = _add(
        commands,
        "why",
        "QUESTION is an address (memoryType/allocation[/resource[/offset]]), an asset (assetDb0:2, or part\n"
        "of its name), a usage (vertex_buffer_bit), the path of an object, or the name of a feature.",
    )
    _add_scene_and_device(why)
    why.add_argument("question", metavar="QUESTION", help="an address, asset, usage, object or feature")


def _add_scene_and_device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scene", metavar="SCENE", type=Path, help=SCENE_HELP)
    parser.add_argument(
        "--profile",
        metavar="NAME|FILE.json",
        default=DEFAULT_PROFILE,
        help="a recorded profile by its name in assets/profiles, or a file (default: %(default)s)",
    )
    add_size(parser)
    parser.add_argument(
        "--budget",
        metavar="MIB",
        type=positive,
        help="limit each memory heap to so many MiB; assets that do not fit are left out and listed",
    )


def _add_doctor(commands: argparse._SubParsersAction[Parser]) -> None:
    doctor = _add(
        commands,
        "doctor",
        "Ends with 3 if no Vulkan device can be used.",
    )
    doctor.add_argument(
        "--record",
        metavar="FILE.json",
        type=Path,
        help="write the profile of the device, for `plan --profile`",
    )
    doctor.add_argument(
        "--device", metavar="TEXT", default="", help="record the device whose name contains this text"
    )


def _add_format(commands: argparse._SubParsersAction[Parser]) -> None:
    form = _add(
        commands,
        "format",
        "Each file is replaced as a whole or not at all.",
    )
    form.add_argument("files", metavar="FILE.hu", type=Path, nargs="+", help="the files")
    form.add_argument(
        "--check", action="store_true", help="change nothing; exit with 1 if a file would change"
    )


def main(arguments: Sequence[str] | None = None, prog: str = PROG) -> int:
    """Run one command and return its exit code; a wrong command line raises argparse's SystemExit(2)."""

    def run() -> int:
        options = make_parser(prog).parse_args(arguments)
        with collector_paused():  # a command is short, and what it has read stays
            module = _MODULES.get(options.command, options.command)
            return int(import_module(f"engine.cli.commands.{module}").run(options))

    return guarded(run)
