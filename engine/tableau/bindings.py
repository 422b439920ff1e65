"""Numbers of fields by their paths, PATH.FEATURE.FIELD as in a setting, for features that follow them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.humon import suggestion
from engine.tableau.columns import Rows
from engine.tableau.schema import FieldKind

if TYPE_CHECKING:
    from engine.tableau.handles import ObjectHandle
    from engine.tableau.table import FeatureTable
    from engine.tableau.tableau import Tableau

FORM = "write PATH.FEATURE.FIELD, such as sun.light.intensity"

NUMBERS = (FieldKind.FLOAT, FieldKind.INT, FieldKind.ANGLE, FieldKind.BOOL)
"""The kinds of fields that are one number."""


class Unbound(ValueError):
    """A path names no number: `code` and `message` say why, `advice` what to write instead.

    `is_left_out` says that the text has what it names, and something is wrong with that, which is reported.
    """

    def __init__(self, code: str, message: str, advice: str, is_left_out: bool = False) -> None:
        super().__init__(message)
        self.is_left_out = is_left_out
        self.code = code
        self.message = message
        self.is_near = bool(advice)  # whether the advice is what was probably meant
        self.advice = advice or FORM


def find_object(tableau: Tableau, path: str, of: int, prefix: str = "") -> ObjectHandle:
    """Return the object at a path that is written on the object with row `of`.

    It begins at the top of the tableau, or at the children of the object's topmost ancestor, since that is
    where a file is among others. Raises Unbound, whose message begins with `prefix`.
    """
    below = f"{tableau.path(of).split('/')[0]}/{path}"
    try:
        return tableau[path if path in tableau or below not in tableau else below]
    except KeyError as error:
        message, _, advice = str(error.args[0]).partition("; ")
        is_left_out = tableau.gaps.has(path) or tableau.gaps.has(below)
        raise Unbound("object.unknown", f"{prefix}{message}", advice, is_left_out) from error


@dataclass(frozen=True, eq=False)
class _Group:
    """The places, among all paths, of those that name one field of a table, and the rows that they name."""

    table: FeatureTable
    field: str
    places: NDArray[np.int64]
    rows: Rows


class Bindings:
    """Looks up the numbers of many paths in arrays.

    What a path names is looked up again only after an object or feature has come, gone or been switched.
    """

    def __init__(self, tableau: Tableau) -> None:
        self._tableau = tableau
        self._structure = -1
        self._groups: dict[tuple[tuple[str, ...], bytes], list[_Group]] = {}

    def numbers(self, paths: Sequence[str], objects: Rows) -> NDArray[np.float64]:
        """Return the number that each path of an object names, float64[n]; NaN where it names none.

        Angles are in degrees, true is 1. Paths are as in `find`.
        """
        if self._structure != self._tableau.structure_version:
            self._groups.clear()
            self._structure = self._tableau.structure_version
        key = tuple(paths), objects.tobytes()
        if key not in self._groups:
            self._groups[key] = self._grouped(key[0], objects)
        found = np.full(len(paths), np.nan)
        for group in self._groups[key]:
            spec = group.table.schema.by_name[group.field]
            values = group.table.column(group.field)[group.rows].astype(np.float64)
            found[group.places] = np.degrees(values) if spec.kind is FieldKind.ANGLE else values
        return found

    def find(self, path: str, of: int) -> tuple[FeatureTable, str, int]:
        """Return the table, field and row that a path of the object with row `of` names.

        The path of the object is as in `find_object`. Raises Unbound.
        """
        words = path.rsplit(".", 2)
        if len(words) < 3:
            raise Unbound("setting.form", f"'{path}' is not PATH.FEATURE.FIELD", FORM)
        where, feature, name = words
        handle = find_object(self._tableau, where, of, f"'{path}': ")
        if feature not in handle:
            what = f"'{path}': '{handle.path}' has no feature '{feature}'"
            is_left_out = self._tableau.gaps.has(handle.path, feature)
            advice = suggestion(feature, list(handle.features))
            raise Unbound("feature.unknown", what, advice, is_left_out)
        table = handle[feature].table
        spec = table.schema.by_name.get(name)
        if spec is None:
            what = f"'{path}': {feature} has no field '{name}'"
            raise Unbound("field.unknown", what, suggestion(name, table.schema.by_name))
        if spec.kind not in NUMBERS:
            raise Unbound("value.number", f"'{path}' is not one number: its kind is {spec.kind.value}", FORM)
        return table, name, handle[feature].row

    def _grouped(self, paths: tuple[str, ...], objects: Rows) -> list[_Group]:
        """Find what paths name, by table and field."""
        known: dict[tuple[str, str], tuple[FeatureTable, list[int], list[int]]] = {}
        for place, (path, of) in enumerate(zip(paths, objects.tolist(), strict=True)):
            try:
                table, name, row = self.find(path, of)
            except Unbound:
                continue  # it stays NaN; the feature that has the path reports why
            _, places, rows = known.setdefault((table.type_name, name), (table, [], []))
            places.append(place)
            rows.append(row)
        return [
            _Group(table, name, np.array(places, np.int64), np.array(rows, np.int32))
            for (_, name), (table, places, rows) in known.items()
        ]
