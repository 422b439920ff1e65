"""Finds the features without which a frame is not what its author may expect, as problems."""

from __future__ import annotations

from engine.feature import Feature, Registry
from engine.humon import Problem, Severity
from engine.tableau import FeatureTable, Tableau

ABSENT = "feature.absent"


class AbsentFeatures:
    """Finds features that have `absent` set and no enabled row: no camera, no light, nothing visible."""

    def __init__(self, tableau: Tableau, registry: Registry) -> None:
        self._tableau = tableau
        self._wanted = [feature for feature in registry.values() if feature.absent]
        self._known: dict[str, Problem] = {}

    @property
    def problems(self) -> list[Problem]:
        """A warning for each that is absent now, the same whenever it is absent.

        A feature that was switched off because its code raised is left out: that is reported.
        """
        found = []
        for feature in self._wanted:
            table = self._tableau.tables.get(feature.type_name)
            if table is None or table.flags("effective_enabled").any() or table.flags("failed").any():
                continue
            if feature.type_name not in self._known:
                self._known[feature.type_name] = self._problem(feature, table)
            found.append(self._known[feature.type_name])
        return found

    def _problem(self, feature: Feature, table: FeatureTable) -> Problem:
        name, place = feature.type_name, self._tableau.place
        advice = f"add {{ @type: {name} }} to an object"
        if len(table):
            place = table.position(int((table.object >= 0).argmax())) or place
            advice = "switch it on: `active` and `enabled`, its own, of its object and of those above"
        return Problem(
            ABSENT,
            f"no {name} is switched on: {feature.absent}",
            place,
            help=advice,
            severity=Severity.WARNING,
        )
