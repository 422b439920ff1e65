"""Handles a feature whose code raises: its rows are switched off, and it is reported once."""

from __future__ import annotations

from pathlib import Path

from engine.feature.contract import Feature
from engine.humon import Problem, Severity
from engine.tableau import Tableau
from engine.tableau.columns import Rows

FAILED = "feature.failed"


class FeatureGuard:
    """Switches off failed features of one tableau and reports each cause once, in `tableau.warnings`."""

    def __init__(self, tableau: Tableau) -> None:
        self._tableau = tableau
        self._reported: set[tuple[str, object]] = set()

    def switch_off(
        self, feature: Feature, error: Exception, rows: Rows | None = None, cause: object = None
    ) -> None:
        """Switch off rows of a feature (None: all active ones) because its code raised `error`.

        A row stays off until its `active` is set again. The same `cause` is reported once.
        """
        table = self._tableau.tables[feature.type_name]
        rows = table.rows_active() if rows is None else rows
        if (feature.type_name, cause) not in self._reported:
            self._reported.add((feature.type_name, cause))
            first = int(rows[0]) if len(rows) else None
            self._tableau.warnings.append(self._problem(feature, error, first, len(rows)))
        table.switch_off(rows)

    def _problem(self, feature: Feature, error: Exception, row: int | None, count: int) -> Problem:
        table = self._tableau.tables[feature.type_name]
        where = f" on '{table.path(row)}'" if row is not None else ""
        more = f" and {count - 1} more" if count > 1 else ""
        raised = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        return Problem(
            FAILED,
            f"{feature.type_name}{where}{more} is switched off: its code raised {raised}",
            table.position(row) if row is not None else None,
            help=f"raised {_raised_at(error)}; the scene continues without it",
            severity=Severity.WARNING,
        )


def _raised_at(error: Exception) -> str:
    trace = error.__traceback__
    if trace is None:
        return "by the feature"
    while trace.tb_next is not None:
        trace = trace.tb_next
    code = trace.tb_frame.f_code
    return f"in {code.co_name} ({Path(code.co_filename).name}:{trace.tb_lineno})"
