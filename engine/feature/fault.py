"""A fault: what is wrong with one row of a feature."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """What is wrong with a row of a feature's table, as a warning.

    `code` is stable, `message` goes on after the names of feature and object, `help` says what to write
    instead and what is drawn now. `field` names the one that is wrong, whose value the warning is at; without
    it, or where the text does not give it, the warning is at the feature.
    """

    row: int
    code: str
    message: str
    help: str
    field: str = ""


Raised = Exception | SystemExit
"""What the code of a feature's author may raise: `sys.exit` ends the feature too, and never the frame."""
RAISED = (Exception, SystemExit)
"""The classes of `Raised`."""
