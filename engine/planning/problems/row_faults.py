"""Finds what is wrong with rows of features, as problems at their lines: what features say, and too many."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from engine.feature import Fault, Feature, FrameView, Registry
from engine.feature.fault import RAISED, Raised
from engine.feature.morphs import Morphs
from engine.feature.skins import Skins
from engine.graph import yielded
from engine.humon import Problem, Severity
from engine.planning.problems.declared import checked_fault
from engine.tableau import FeatureTable, Tableau

COUNT = "feature.count"
MAX_SURPLUS = 16


class RowFaults:
    """The faults of all features, looked for again only after the tableau has changed.

    To them belong active rows beyond the number that a feature allows.
    """

    def __init__(
        self,
        tableau: Tableau,
        registry: Registry,
        guard: Callable[[Feature, Raised], None],
        skins: Skins | None = None,
        morphs: Morphs | None = None,
    ) -> None:
        """`guard` is called with a feature whose code raises."""
        self._tableau = tableau
        self._registry = registry
        self._guard = guard
        self._skins = skins
        self._morphs = morphs
        self._signature: tuple[int, int] | None = None
        self._found: tuple[Problem, ...] = ()

    def problems(self, size: tuple[int, int]) -> tuple[Problem, ...]:
        """Return a warning for each fault now, for a picture of this size."""
        now = self._tableau.structure_version, self._tableau.values_version
        if now != self._signature:
            features = self._registry.values()
            counted = [p for feature in features if feature.at_most for p in self._surplus(feature)]
            self._found = (*counted, *(p for feature in features for p in self._of(feature, size)))
            self._signature = self._tableau.structure_version, self._tableau.values_version
        return self._found

    def _surplus(self, feature: Feature) -> Iterator[Problem]:
        """Yield a warning at active rows beyond those that a feature allows, MAX_SURPLUS at most."""
        table = self._tableau.tables.get(feature.type_name)
        rows = table.rows_active().tolist() if table is not None else []
        for row in rows[feature.at_most : feature.at_most + MAX_SURPLUS]:
            assert table is not None
            first, place = table.path(rows[0]), table.position(rows[0])
            where = f"'{first}' ({place})" if place is not None else f"'{first}'"
            many = "1 is" if feature.at_most == 1 else f"{feature.at_most} are"
            yield Problem(
                COUNT,
                f"{feature.type_name} on '{table.path(row)}' is one too many: {len(rows)} are active, and "
                f"{many} allowed",
                *table.located(row),
                help=f"switch it off (`active: false`) or remove it; that on {where} counts",
                severity=Severity.WARNING,
            )

    def _view(self, size: tuple[int, int]) -> FrameView:
        return FrameView(self._tableau, size, lambda _: None, skins=self._skins, morphs=self._morphs)

    def _problem(self, table: FeatureTable, fault: Fault) -> Problem:
        """Return a fault as a warning at its field."""
        message = f"{table.type_name} on '{table.path(fault.row)}': {fault.message}"
        place, excerpt = table.located(fault.row, fault.field)
        return Problem(fault.code, message, place, excerpt, fault.help, Severity.WARNING)

    def _of(self, feature: Feature, size: tuple[int, int]) -> list[Problem]:
        """Return the problems of one feature; none where its code raises.

        Nor where a feature that it goes with is left out of the text, or a value of its own that another one
        needs to have an effect: those are reported already.
        """
        table = self._tableau.tables.get(feature.type_name)
        if table is None or not table.flags("effective_enabled").any():
            return []
        others = (*feature.requires, feature.draws_as, *feature.bends, *feature.morphs)
        gaps = [one for one in self._tableau.gaps.values() if one.features or one.wrong]

        def follows(fault: Fault) -> bool:
            path = table.path(fault.row)
            own = (feature.type_name, path)
            is_unused = fault.code == "field.unused" and any(own in one.wrong for one in gaps)
            return is_unused or any(one.has_on(path, others) for one in gaps)

        try:
            given = yielded(feature.faults(self._view(size)), "faults")
            found = [checked_fault(fault, table) for fault in given]
            return [self._problem(table, fault) for fault in found if not follows(fault)]
        except RAISED as error:
            self._guard(feature, error)
            return []
