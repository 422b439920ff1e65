"""What is reported while a window runs, as problems: those that others print are taken apart again."""

from __future__ import annotations

import re

from engine.humon import Problem, Severity

_HEAD = re.compile(r"(error|warning)\[([a-z]+\.[a-z_]+)\]: ")
_HELP = "help: "
UNKNOWN = "viewer.note"


def as_problem(report: Problem | str) -> Problem:
    """Return a problem; a text is taken apart as `Problem.render` puts it together, without a place."""
    if isinstance(report, Problem):
        return report
    head, *lines = report.splitlines() or [""]
    found = _HEAD.match(head)
    severity = Severity(found[1]) if found else Severity.WARNING
    rest = [line for line in lines if not line.startswith(_HELP)]
    advice = [line.removeprefix(_HELP) for line in lines if line.startswith(_HELP)]
    message = head[found.end() :] if found else head
    code = found[2] if found else UNKNOWN
    return Problem(code, "\n".join([message, *rest]), help="\n".join(advice), severity=severity)
