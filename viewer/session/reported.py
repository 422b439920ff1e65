"""What is reported while a window runs, as problems: those that others print are taken apart again."""

from __future__ import annotations

import re

from engine.humon import Position, Problem, Severity

_HEAD = re.compile(r"(?:(.+):(\d+):(\d+): )?(error|warning)\[([a-z]+\.[a-z_]+)\]: ")
_HELP = "help: "
UNKNOWN = "viewer.note"


def as_problem(report: Problem | str) -> Problem:
    """Return a problem; a text is taken apart as `Problem.render` puts it together."""
    if isinstance(report, Problem):
        return report
    head, *lines = report.splitlines() or [""]
    found = _HEAD.match(head)
    advice = [line.removeprefix(_HELP) for line in lines if line.startswith(_HELP)]
    rest = [line for line in lines if not line.startswith(_HELP)]
    if found is None:
        return Problem(UNKNOWN, "\n".join([head, *rest]), help="\n".join(advice), severity=Severity.WARNING)
    file, line, column, severity, code = found.groups()
    message, hint = head[found.end() :], "\n".join(advice)
    if file is None:
        return Problem(code, "\n".join([message, *rest]), help=hint, severity=Severity(severity))
    place = Position(file, int(line), int(column))
    excerpt = "\n".join(line.removeprefix("    ") for line in rest)
    return Problem(code, message, place, excerpt, hint, Severity(severity))
