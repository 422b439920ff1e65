"""Handles a feature whose code raises: its rows are switched off, and it is reported once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from traceback import walk_tb

import numpy as np
from numpy.typing import NDArray

from engine.feature.contract import Feature
from engine.feature.fault import Raised
from engine.files import text_of
from engine.graph import DeclarationError
from engine.humon import InputError, Problem, Severity
from engine.tableau import Tableau
from engine.tableau.columns import Rows

Keys = NDArray[np.int64]

FAILED = "feature.failed"


class FeatureGuard:
    """Switches off failed features of one tableau and reports each cause once, in `tableau.warnings`."""

    def __init__(self, tableau: Tableau) -> None:
        self._tableau = tableau
        self._reported: set[tuple[str, str]] = set()

    def switch_off(self, feature: Feature, error: Raised) -> None:
        """Switch off all rows of a feature because its code raised `error`; it is reported once.

        A row stays off until its `active` is set again.
        """
        self._switch_off(feature, error, self._tableau.tables[feature.type_name].rows_active(), "")

    def switch_off_assets(
        self, feature: Feature, keys_of: Callable[[Rows], Keys], errors: Mapping[int, Raised]
    ) -> None:
        """Switch off the rows with an asset for which the feature's code raised an error.

        `keys_of` returns the assets of rows, `errors` are by the key of the asset. Assets for which the same
        is raised at the same place are one cause.
        """
        causes: dict[str, list[int]] = {}
        for key, error in errors.items():
            causes.setdefault(f"{_raised(error)}, {_raised_at(error)}", []).append(key)
        table = self._tableau.tables[feature.type_name]
        for cause, keys in causes.items():
            rows = table.rows_active()
            named = rows[np.isin(keys_of(rows), keys)]
            self._switch_off(feature, errors[keys[0]], named, cause)

    def _switch_off(self, feature: Feature, error: Raised, rows: Rows, cause: str) -> None:
        if (feature.type_name, cause) not in self._reported:
            self._reported.add((feature.type_name, cause))
            first = int(rows[0]) if len(rows) else None
            self._tableau.warnings.append(self._problem(feature, error, first, len(rows)))
        if len(rows):
            self._tableau.tables[feature.type_name].switch_off(rows)

    def _problem(self, feature: Feature, error: Raised, row: int | None, count: int) -> Problem:
        table = self._tableau.tables[feature.type_name]
        where = f" on '{table.path(row)}'" if row is not None else ""
        more = f" and {count - 1} more" if count > 1 else ""
        why, advice = _reason(feature, error)
        place, excerpt = table.located(row) if row is not None else (None, "")
        return Problem(
            FAILED,
            f"{feature.type_name}{where}{more} is switched off: {why}",
            place,
            excerpt,
            f"{advice}; the scene continues without it",
            Severity.WARNING,
        )


def _reason(feature: Feature, error: Raised) -> tuple[str, str]:
    """Return why a feature failed, and a hint: what is wrong with its shaders, or what its code raised."""
    if isinstance(error, InputError) and error.problems:
        first = error.problems[0]
        return f"{first.message} ({first.position})" if first.position else first.message, first.help
    if isinstance(error, DeclarationError):
        return str(error), error.help
    return f"its code raised {_raised(error)}", f"raised {_raised_at(error, _package(feature))}"


def _raised(error: Raised) -> str:
    text = text_of(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _package(feature: Feature) -> str:
    """Return the package that a feature is of."""
    return type(feature).__module__.partition(".")[0]


def _raised_at(error: Raised, package: str = "") -> str:
    """Return where it was raised: the last place in the code of `package`, if that was called at all."""
    frames = list(walk_tb(error.__traceback__))
    if not frames:
        return "by the feature"
    own = [each for each in frames if each[0].f_globals.get("__name__", "").partition(".")[0] == package]
    frame, line = (own or frames)[-1]
    return f"in {frame.f_code.co_name} ({Path(frame.f_code.co_filename).name}:{line})"
