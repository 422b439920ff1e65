"""`plan`: print what a scene keeps in GPU memory, where, and why; needs neither Vulkan nor a display."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from engine.cli.exits import ExitCode
from engine.cli.outputs import Output, check_unread, check_writable
from engine.cli.profiles import find_profile, profile_path
from engine.files.streams import write_output

if TYPE_CHECKING:
    from engine.plan.model.plan import Plan
    from engine.plan.profile.device_profile import DeviceProfile


def run(options: argparse.Namespace) -> int:
    """Print the plan, its requirements, or its difference from another plan; with --out, write it to a file.

    Raises InputError for a wrong scene, PlanError for a wrong profile or a scene that does not fit it.
    """
    from engine.humon.saving import write_atomically
    from engine.plan.text.plan_text import plan_text
    from engine.plan.text.requirement_text import requirement_text

    outputs = [Output("--out", options.out)] if options.out is not None else []
    check_writable(outputs)
    others = [profile_path(options.profile), *([options.against] if options.against is not None else [])]
    plan = plan_of(options, lambda files: check_unread(outputs, chain(others, files)))
    text = requirement_text(plan) if options.requirements else plan_text(plan)
    if options.against is not None:
        from engine.cli.commands.diff import compare
        from engine.humon import read

        old = read(options.against).text
        text = compare(old, text, device_of(options), str(options.against), str(options.scene))
    if options.out is not None:
        write_atomically(options.out, text)
    else:
        write_output(text)
    return ExitCode.DONE


def plan_of(
    options: argparse.Namespace, check: Callable[[Iterable[Path]], None] = lambda files: None
) -> Plan:
    """Plan the scene of a command line for its profile and size; prints problems with assets to stderr.

    `check` is called with the files that are read, see `plan_scene`.
    """
    from engine.cli.progress import CookProgress
    from engine.cli.scenes import find_scene
    from engine.planning.offline import plan_scene

    device, scene = device_of(options), find_scene(options.scene)
    with CookProgress() as progress:
        planned = plan_scene(scene, device, options.size, progress=progress, check=check)
    for problem in planned.problems:
        print(problem.render(), file=sys.stderr)
    return planned.plan


def device_of(options: argparse.Namespace) -> DeviceProfile:
    """Return the profile of a command line, limited to its budget."""
    profile = find_profile(options.profile)
    return profile if options.budget is None else profile.limited(options.budget << 20)
