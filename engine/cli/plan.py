"""`plan`: print what a scene keeps in GPU memory, where, and why; needs neither Vulkan nor a display."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from engine.cli.exits import ExitCode

if TYPE_CHECKING:
    from engine.plan.model.plan import Plan
    from engine.plan.profile.device_profile import DeviceProfile


def run(options: argparse.Namespace) -> int:
    """Print the plan, or with --against the way to it from another one; or write it with --out.

    Raises InputError for a wrong scene, PlanError for a wrong profile or a scene it cannot hold.
    """
    from engine.humon.saving import write_whole
    from engine.plan.text.plan_text import plan_text

    text = plan_text(plan_of(options))
    if options.against is not None:
        from engine.cli.diff import compare
        from engine.humon import read

        old = read(options.against).text
        text = compare(old, text, device_of(options), str(options.against), str(options.scene))
    if options.out is not None:
        write_whole(options.out, text)
    else:
        sys.stdout.write(text)
    return ExitCode.DONE


def plan_of(options: argparse.Namespace) -> Plan:
    """Plan the scene of a command line for its profile and size; what is wrong with assets goes to stderr."""
    from engine.cli.progress import CookProgress
    from engine.cli.scenes import find_scene
    from engine.planning.offline import plan_scene

    device, scene = device_of(options), find_scene(options.scene)
    with CookProgress() as progress:
        planned = plan_scene(scene, device, options.size, progress=progress)
    for problem in planned.problems:
        print(problem.render(), file=sys.stderr)
    return planned.plan


def device_of(options: argparse.Namespace) -> DeviceProfile:
    """The profile that a command line plans for, within its budget."""
    profile = find_profile(options.profile)
    return profile if options.budget is None else profile.limited(options.budget << 20)


def find_profile(name: str) -> DeviceProfile:
    """Read a profile by its name among the recorded ones, or from a file: what ends in .json or has a folder.

    Raises InputError `profile.unknown` with the nearest known name, and ProfileError.
    """
    from engine.assets import data_root
    from engine.humon import InputError, Problem, suggestion
    from engine.plan.profile.profile_file import read_profile

    if name.endswith(".json") or len(Path(name).parts) != 1:
        return read_profile(Path(name))
    folder = data_root() / "assets" / "profiles"
    known = sorted(path.stem for path in folder.glob("*.json"))
    if name not in known:
        help_text = f"{suggestion(name, known)}; or give a file: --profile FILE.json"
        raise InputError(Problem("profile.unknown", f"there is no recorded profile '{name}'", help=help_text))
    return read_profile(folder / f"{name}.json")
