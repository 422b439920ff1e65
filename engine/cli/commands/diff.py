"""`diff`: print the difference of two plans in bytes, and the schedule from one to the other."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from engine.cli.exits import ExitCode
from engine.cli.profiles import find_profile
from engine.files.streams import write_output

if TYPE_CHECKING:
    from engine.plan.profile.device_profile import DeviceProfile


def run(options: argparse.Namespace) -> int:
    """Compare two plan files.

    Raises InputError for a file that is not a plan, PlanError for a plan that breaks a rule or does not fit.
    """
    from engine.humon import read
    from engine.plan.text.plan_reader import profile_name

    old, new = (read(path).text for path in (options.old, options.new))
    profile = options.profile or profile_name(old, str(options.old))
    write_output(compare(old, new, find_profile(profile), str(options.old), str(options.new)))
    return ExitCode.DONE


def compare(old: str, new: str, device: DeviceProfile, old_name: str, new_name: str) -> str:
    """Return the difference of two plan texts and its schedule on a device, in Humon."""
    from engine.plan.terms.keys import Keys
    from engine.plan.text.plan_difference import difference, difference_text, row_changes
    from engine.plan.text.plan_reader import database_name, read_plan
    from engine.plan.text.schedule_listing import schedule_listing

    names: dict[int, str] = {}
    keys = Keys(names.__getitem__, lambda db: database_name(names, db))
    plans = [
        read_plan(text, device, None, name, keys, names) for text, name in ((old, old_name), (new, new_name))
    ]
    found = difference(plans[0], plans[1])
    return difference_text(found, row_changes(old, new)) + schedule_listing(found.schedule)
