"""Finds what features find wrong with their rows, as problems at the rows' lines."""

from __future__ import annotations

from collections.abc import Callable

from engine.feature import Feature, FrameView, Registry
from engine.feature.morphs import Morphs
from engine.feature.skins import Skins
from engine.humon import Problem, Severity
from engine.tableau import Tableau


class RowFaults:
    """The faults of all features, looked for again only after the tableau has changed."""

    def __init__(
        self,
        tableau: Tableau,
        registry: Registry,
        guard: Callable[[Feature, Exception], None],
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
            self._found = tuple(p for feature in self._registry.values() for p in self._of(feature, size))
            self._signature = self._tableau.structure_version, self._tableau.values_version
        return self._found

    def _view(self, size: tuple[int, int]) -> FrameView:
        return FrameView(self._tableau, size, lambda _: None, skins=self._skins, morphs=self._morphs)

    def _of(self, feature: Feature, size: tuple[int, int]) -> list[Problem]:
        """Return the problems of one feature; none where its code raises."""
        table = self._tableau.tables.get(feature.type_name)
        if table is None or not table.flags("effective_enabled").any():
            return []
        name = feature.type_name
        try:
            return [
                Problem(
                    fault.code,
                    f"{name} on '{table.path(fault.row)}': {fault.message}",
                    table.position(fault.row),
                    help=fault.help,
                    severity=Severity.WARNING,
                )
                for fault in feature.faults(self._view(size))
            ]
        except Exception as error:  # noqa: BLE001 (a feature's author may raise anything; it is reported)
            self._guard(feature, error)
            return []
