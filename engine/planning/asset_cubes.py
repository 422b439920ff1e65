"""Which environment passes sample by each name: what features give for their active and enabled rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.assets import AssetLibrary, AssetRef, AssetType
from engine.feature import Feature, FeatureRows, Registry
from engine.feature.fault import RAISED, Raised
from engine.graph import DeclarationError, check, mapping
from engine.tableau import FeatureTable, Tableau

Cubes = Mapping[str, int]
"""The keys of environments by the names in CubeReads."""


class AssetCubes:
    """Asks the features that give cubes, and those that are enabled only after a change of their rows."""

    def __init__(
        self,
        tableau: Tableau,
        registry: Registry,
        library: AssetLibrary,
        guard: Callable[[Feature, Raised], None],
    ) -> None:
        """`guard` is called with a feature whose code raises."""
        self._tableau = tableau
        self._library = library
        self._guard = guard
        self._givers = [one for one in registry.values() if type(one).cubes is not Feature.cubes]
        self._versions: list[int] | None = None
        self._enabled: Cubes = {}

    def active(self) -> Cubes:
        """Return what the active rows give, whether they are enabled or not."""
        return self._given(lambda table: FeatureRows(table, table.rows_active))

    def enabled(self) -> Cubes:
        """Return what the enabled rows give: the same object as long as none of them has changed."""
        tables = [self._tableau.tables.get(feature.type_name) for feature in self._givers]
        versions = [table.version if table is not None else -1 for table in tables]
        if versions != self._versions:
            self._versions = versions
            self._enabled = self._given(lambda table: FeatureRows(table, table.rows_enabled))
        return self._enabled

    def _environment(self, name: str, asset: AssetRef) -> AssetRef:
        """Return an environment that can be sampled. Raises DeclarationError for another asset."""
        check(asset, AssetRef, f"the cube {name}", "give an AssetRef, as AssetRef.from_key returns it")
        usable = self._library.usable(asset)
        record = self._library.record(usable)
        if record.type != AssetType.ENVIRONMENT:
            raise DeclarationError(
                f"the cube {name} is {record.label}, which is no environment",
                "give the asset of a field that takes environments alone (`asset_field(types=...)`)",
            )
        return usable

    def _given(self, rows: Callable[[FeatureTable], FeatureRows]) -> Cubes:
        found: dict[str, int] = {}
        for feature in self._givers:
            table = self._tableau.tables.get(feature.type_name)
            if table is None:
                continue
            try:
                cubes = mapping(feature.cubes(rows(table)), "cubes").items()
                given = {name: self._environment(name, asset).key for name, asset in cubes}
            except RAISED as error:
                self._guard(feature, error)
            else:
                found = given | found
        return found
