"""Finds what a frame lacks that its author may expect, as problems: features, and what they draw."""

from __future__ import annotations

from collections.abc import Iterator

from engine.feature import Feature, Registry
from engine.humon import Problem, Severity
from engine.tableau import NO_ASSET, FeatureTable, Tableau

ABSENT = "feature.absent"
NOTHING = "feature.nothing"


class AbsentFeatures:
    """Finds features that have `absent` set and no enabled row: no camera, no light, nothing visible.

    It finds, too, active rows that name no asset where no other feature does so for them.
    """

    def __init__(self, tableau: Tableau, registry: Registry) -> None:
        self._tableau = tableau
        self._registry = registry
        self._wanted = [feature for feature in registry.values() if feature.absent]
        self._known: dict[str, Problem] = {}

    @property
    def problems(self) -> list[Problem]:
        """A warning for each that is absent now, the same whenever it is absent.

        One that was switched off because its code raised, or is left out of the text, is reported already.
        """
        found = []
        for feature in self._wanted:
            table = self._tableau.tables.get(feature.type_name)
            if table is None or self._is_enabled(table) or table.flags("failed").any():
                continue
            if any(gaps.has(feature.type_name) for gaps in self._tableau.gaps.values()):
                continue
            others = [self._tableau.tables.get(name) for name in feature.instead]
            if any(other is not None and self._is_enabled(other) for other in others):
                continue
            if feature.type_name not in self._known:
                self._known[feature.type_name] = self._problem(feature, table)
            found.append(self._known[feature.type_name])
        return found + [problem for feature in self._registry.values() for problem in self._empty(feature)]

    def _empty(self, feature: Feature) -> Iterator[Problem]:
        """Yield one warning for the active rows of a feature that have nothing to draw."""
        table = self._tableau.tables.get(feature.type_name)
        drawn = feature.schema.drawn_field
        if table is None or drawn is None or drawn.required or drawn.default is not None:
            return
        rows = table.rows_active()
        rows = rows[table.column(drawn.name)[rows] == NO_ASSET]
        other = self._tableau.tables.get(feature.draws_as)
        if other is not None:
            rows = rows[~other.owned_by(table.object[rows])]
        if len(rows):
            more = f" and {len(rows) - 1} more have" if len(rows) > 1 else " has"
            other_name = f", and there is no {feature.draws_as} on its object" if other is not None else ""
            yield Problem(
                NOTHING,
                f"{feature.type_name} on '{table.path(int(rows[0]))}'{more} nothing to draw: it names no "
                f"{drawn.name}{other_name}",
                *table.located(int(rows[0])),
                help=f"add `{drawn.name}: [assetDb0 0]` ({' or '.join(drawn.asset_types)})",
                severity=Severity.WARNING,
            )

    def _is_enabled(self, table: FeatureTable) -> bool:
        return bool(table.flags("effective_enabled").any())

    def _problem(self, feature: Feature, table: FeatureTable) -> Problem:
        name, place, excerpt = feature.type_name, self._tableau.place, ""
        advice = f"add {{ @type: {name} }} to an object"
        if len(table):
            found, excerpt = table.located(int((table.object >= 0).argmax()))
            place = found or place
            advice = "switch it on: `active` and `enabled`, its own, of its object and of those above"
        return Problem(
            ABSENT,
            f"no {name} is switched on: {feature.absent}",
            place,
            excerpt,
            help=advice,
            severity=Severity.WARNING,
        )
