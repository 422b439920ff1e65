"""`why`: explain an address, asset or usage: the features, objects and lines of the scene that request it."""

from __future__ import annotations

import argparse

from engine.cli.commands.plan import plan_of
from engine.cli.exits import ExitCode
from engine.files.streams import write_output


def run(options: argparse.Namespace) -> int:
    """Print the reasons; raises PlanError `why.unknown` if nothing in the plan matches the question."""
    from engine.plan.text.why import why_text

    write_output(why_text(plan_of(options), options.question))
    return ExitCode.DONE
