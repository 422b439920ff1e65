"""Reads the `features` lists of objects into rows of feature tables, all rows of a type at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.humon import (
    Document,
    InputError,
    Kind,
    Node,
    Position,
    ProblemCollector,
    boolean,
    expect,
    suggestion,
)
from engine.scene.text_positions import positions_of, problem_at, type_row
from engine.scene.values import LOST, AssetNames, ValueReader, read_value
from engine.tableau import NO_ASSET, FeatureTable, FieldKind, FieldSpec, Tableau
from engine.tableau.activity import FLAGS
from engine.tableau.companions import conflicts_text, requires_text

FEATURE_HELP = "write `{ @type: visibleModel  ... }`"


class CollectedFeatures:
    """Features of one type: their objects, their nodes, and the nodes of their values."""

    def __init__(self, table: FeatureTable) -> None:
        self.table = table
        self.objects: list[int] = []
        self.nodes: list[int] = []
        keys = (*FLAGS, *table.schema.by_name)
        self.values: dict[str, tuple[list[int], list[int]]] = {key: ([], []) for key in keys}
        """By field: indices of features in this list, rows of the value nodes."""
        self.columns: dict[str, np.ndarray[Any, Any]] = {}
        """Flags and fields, of all of them."""
        self.left_out: set[int] = set()
        """Indices of the features that are not added."""

    def kept(self) -> dict[int, int]:
        """Return the indices of the features that are added, by their objects."""
        return {row: index for index, row in enumerate(self.objects) if index not in self.left_out}


class FeatureReader:
    """Collects features object by object, then adds them table by table.

    One with a wrong value is left out, and so is what conflicts with one before it, or lacks what it needs.
    """

    def __init__(
        self,
        document: Document,
        tableau: Tableau,
        assets: AssetNames,
        problems: ProblemCollector,
        errors: list[InputError],
    ) -> None:
        self._document = document
        self._tableau = tableau
        self._assets = assets
        self._problems = problems
        self._errors = errors
        self._by_type: dict[str, CollectedFeatures] = {}
        self._by_text: dict[str, CollectedFeatures] = {}
        """The same by the text of `@type`, quotes included."""

    def collect(self, object_row: int, name: str, node: int) -> None:
        """Collect the `features` of one object."""
        children = self._document.children(node)
        if not isinstance(children, list):
            with self._problems.catching():
                expect(Node(self._document, node), Kind.LIST)
            return
        contents = self._document.columns.contents
        seen: dict[str, int] = {}
        for row in children:
            fields = contents[row]
            if not isinstance(fields, dict):
                with self._problems.catching():
                    expect(Node(self._document, row), Kind.DICT)
                continue
            collected = self._features_of_type(row, name)
            if collected is None:
                continue
            type_name = collected.table.type_name
            if type_name in seen:
                self._duplicate(type_name, name, row, seen[type_name])
                continue
            seen[type_name] = row
            index = len(collected.objects)
            collected.objects.append(object_row)
            collected.nodes.append(row)
            for key, child in fields.items():
                known = collected.values.get(key)
                if known is None:
                    self._unknown_field(collected.table, key, child)
                else:
                    known[0].append(index)
                    known[1].append(child)

    def finish(self) -> None:
        """Read the values of all collected features, and add those that can be on their objects."""
        for collected in self._by_type.values():
            for spec in collected.table.schema.fields:
                collected.columns[spec.name] = self._column(collected, spec)
            for name in FLAGS:
                collected.columns[name] = self._flags(collected, name)
        for collected in self._by_type.values():
            self._check_conflicts(collected)
        while any(self._check_required(collected) for collected in self._by_type.values()):
            pass  # what was left out may be what others need
        for collected in self._by_type.values():
            self._add(collected)

    def _add(self, collected: CollectedFeatures) -> None:
        table, columns = collected.table, collected.columns
        starts = self._document.columns.starts
        offsets = [starts[type_row(self._document, node)] for node in collected.nodes]
        lines, places = positions_of(self._document, offsets)
        kept = np.ones(len(offsets), np.bool_)
        kept[list(collected.left_out)] = False
        table.add(
            np.array(collected.objects, np.int32)[kept],
            {spec.name: columns[spec.name][kept] for spec in table.schema.fields},
            active=columns["active"][kept],
            enabled=columns["enabled"][kept],
            positions=(self._tableau.file_number(self._document.name), lines[kept], places[kept]),
        )

    def _column(self, collected: CollectedFeatures, spec: FieldSpec) -> np.ndarray[Any, Any]:
        count = len(collected.objects)
        otherwise = spec.column_default()
        if spec.kind is FieldKind.ASSET:
            otherwise = self._default_asset(collected, spec, set(collected.values[spec.name][0]))
        shape = (count, spec.kind.width) if spec.kind.width > 1 else (count,)
        column = np.empty(shape, spec.kind.dtype)
        column[...] = otherwise
        reader = ValueReader(
            self._document, lambda node: read_value(node, spec, self._assets), spec.column_default()
        )
        self._read(collected, spec.name, reader, column)
        if spec.kind is FieldKind.ASSET:
            collected.left_out.update(np.flatnonzero(column == LOST).tolist())
        return column

    def _read(
        self, collected: CollectedFeatures, name: str, reader: ValueReader, column: np.ndarray[Any, Any]
    ) -> None:
        """Fill a column with the values in the text; features with wrong ones are left out."""
        indices, nodes = collected.values[name]
        if nodes:
            column[indices] = [reader.value(node, self._errors) for node in nodes]
        if reader.wrong:
            pairs = zip(indices, nodes, strict=True)
            collected.left_out.update(index for index, node in pairs if node in reader.wrong)

    def _default_asset(self, collected: CollectedFeatures, spec: FieldSpec, given: set[int]) -> int:
        """Return the key for features without this field; report a problem if there is no default."""
        without = [index for index in range(len(collected.nodes)) if index not in given]
        hint = f"add `{spec.name}: [assetDb0 0]` ({' or '.join(spec.asset_types)})"
        for index in without if spec.required else ():
            what = f"{collected.table.type_name} on '{self._tableau.path(collected.objects[index])}'"
            self._report("value.missing", f"{what} has no {spec.name}", collected.nodes[index], hint)
            collected.left_out.add(index)
        default = self._assets.default(spec)
        if without and spec.default is not None and default == NO_ASSET:
            message = f"{spec.name} is omitted, and its default {list(spec.default)} does not exist"
            self._report("asset.reference", message, collected.nodes[without[0]], hint)
            collected.left_out.update(without)
        return default

    def _flags(self, collected: CollectedFeatures, name: str) -> np.ndarray[Any, Any]:
        flags = np.ones(len(collected.objects), np.bool_)
        self._read(collected, name, ValueReader(self._document, boolean, True), flags)
        return flags

    def _check_required(self, collected: CollectedFeatures) -> bool:
        """Leave out features that lack what they need; return whether there were any.

        Where that is in the text and left out, its own problem says why.
        """
        before = len(collected.left_out)
        for required in collected.table.schema.requires:
            other = self._by_type.get(required)
            kept = other.kept() if other is not None else {}
            written = set(other.objects) if other is not None else set()
            for row, index in collected.kept().items():
                if row in kept:
                    continue
                collected.left_out.add(index)
                if row in written:
                    continue
                path = self._tableau.path(row)
                self._report(
                    "feature.requires",
                    requires_text(collected.table.type_name, path, required),
                    collected.nodes[index],
                    f"add a {required} feature to '{path}', or remove this one",
                )
        return len(collected.left_out) > before

    def _check_conflicts(self, collected: CollectedFeatures) -> None:
        """Leave out what conflicts with a feature before it on the same object."""
        schema = collected.table.schema
        for type_name, other in self._by_type.items():
            if type_name not in schema.conflicts and schema.type_name not in other.table.schema.conflicts:
                continue
            first = other.kept()
            for row, index in collected.kept().items():
                if row not in first or other.nodes[first[row]] >= collected.nodes[index]:
                    continue
                path = self._tableau.path(row)
                self._report(
                    "feature.conflict",
                    conflicts_text(schema.type_name, path, type_name),
                    collected.nodes[index],
                    f"remove one of them; the other is at {self._position(other.nodes[first[row]])}",
                )
                collected.left_out.add(index)

    def _features_of_type(self, row: int, name: str) -> CollectedFeatures | None:
        """Return the collected features of this one's type; report an unknown type and return None."""
        content = self._document.columns.contents[type_row(self._document, row)]
        if isinstance(content, str) and content in self._by_text:
            return self._by_text[content]
        type_name = Node(self._document, row).type
        table = self._tableau.tables.get(type_name or "")
        if table is not None:
            collected = self._by_type.setdefault(table.type_name, CollectedFeatures(table))
            self._by_text[str(content)] = collected
            return collected
        if type_name:
            message = f"there is no feature '{type_name}' (on '{name}')"
            self._report("feature.unknown", message, row, suggestion(type_name, self._tableau.tables))
        else:
            self._report("feature.type", f"a feature of '{name}' has no @type", row, FEATURE_HELP)
        return None

    def _duplicate(self, type_name: str, name: str, row: int, first: int) -> None:
        message = f"'{name}' has two {type_name} features; the other is at {self._position(first)}"
        self._report("feature.duplicate", message, row, "an object has at most one of each type")

    def _position(self, row: int) -> Position:
        """Return where a feature begins."""
        return self._document.position_at(self._document.columns.starts[type_row(self._document, row)])

    def _unknown_field(self, table: FeatureTable, key: str, row: int) -> None:
        known = [*table.schema.by_name, *FLAGS]
        message = f"{table.type_name} has no field '{key}'"
        self._report("field.unknown", message, row, suggestion(key, known), at_key=True)

    def _report(self, code: str, message: str, row: int, help: str, at_key: bool = False) -> None:
        """Add a problem at the `@type` of a feature, or at the key of a field."""
        document = self._document
        offset = document.columns.starts[row if at_key else type_row(self._document, row)]
        self._problems.add(problem_at(document, offset, code, message, help))
