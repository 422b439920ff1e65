"""Reads the `features` lists of objects into rows of feature tables, all rows of a type at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from engine.humon import (
    Document,
    InputError,
    Kind,
    Node,
    Position,
    Problem,
    ProblemCollector,
    boolean,
    expect,
    nearest,
    suggestion,
)
from engine.scene.text_positions import positions_of, problem_at, type_row
from engine.scene.values import (
    LOST,
    TRUE_INSTEAD,
    AssetNames,
    ValueReader,
    read_value,
    value_instead,
)
from engine.tableau import NO_ASSET, FeatureTable, FieldKind, FieldSpec, Tableau
from engine.tableau.activity import FLAGS
from engine.tableau.companions import conflicts_text, requires_text
from engine.tableau.gaps import ANY_FEATURE, Gaps

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
        self.unnamed: set[int] = set()
        """Indices of those with a default in place of what they draw, which is wrong."""
        self.wrong: set[int] = set()
        """Indices of those with another value in place of a wrong one."""
        self.misspelt: set[tuple[int, str]] = set()
        """Indices of those with a key that is not known, with the field that is nearest to it."""

    def kept(self) -> dict[int, int]:
        """Return the indices of the features that are added, by their objects."""
        return {row: index for index, row in enumerate(self.objects) if index not in self.left_out}


class FeatureReader:
    """Collects features object by object, then adds them table by table.

    A wrong value costs itself: a number beyond its limits is the nearest within them, all else the default.
    A feature is left out that has no such default, conflicts with one before it, or lacks what it needs.
    """

    def __init__(
        self,
        document: Document,
        tableau: Tableau,
        assets: AssetNames,
        problems: ProblemCollector,
        errors: list[InputError],
        lost: Mapping[str, Problem],
    ) -> None:
        """`lost` are the features that could not be loaded, by type, with the problem that says so."""
        self._document = document
        self._tableau = tableau
        self._assets = assets
        self._problems = problems
        self._errors = errors
        self._by_type: dict[str, CollectedFeatures] = {}
        self._by_text: dict[str, CollectedFeatures] = {}
        """The same by the text of `@type`, quotes included."""
        self._meant: dict[str, set[int]] = {}
        """By the type that is nearest to one that is not known: objects with such a feature."""
        self._lost = lost
        self._lost_nodes: dict[str, list[tuple[str, int]]] = {}
        """Objects and nodes of the features of types that could not be loaded."""
        self._nameless: set[int] = set()
        """Objects of which anything was left out, and nothing says which feature it is."""

    def collect(self, object_row: int, name: str, node: int) -> None:
        """Collect the `features` of one object."""
        children = self._document.children(node)
        if not isinstance(children, list):
            self.lose(object_row)
            with self._problems.catching():
                expect(Node(self._document, node), Kind.LIST)
            return
        contents = self._document.columns.contents
        seen: dict[str, int] = {}
        for row in children:
            fields = contents[row]
            if not isinstance(fields, dict):
                self.lose(object_row)
                with self._problems.catching():
                    expect(Node(self._document, row), Kind.DICT)
                continue
            collected = self._features_of_type(row, name, object_row)
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
                    collected.misspelt.add((index, self._unknown_field(collected.table, key, child)))
                else:
                    known[0].append(index)
                    known[1].append(child)

    def lose(self, object_row: int) -> None:
        """Note that something was left out of the features of an object, which may be any of them."""
        self._nameless.add(object_row)

    def finish(self) -> None:
        """Read the values of all collected features, and add those that can be on their objects."""
        for collected in self._by_type.values():
            for spec in collected.table.schema.fields:
                collected.columns[spec.name] = self._column(collected, spec)
            for name in FLAGS:
                collected.columns[name] = self._flags(collected, name)
        for collected in self._by_type.values():
            self._check_conflicts(collected)
        while any(self._check_needed(collected) for collected in self._by_type.values()):
            pass  # what was left out may be what others need
        for collected in self._by_type.values():
            self._add(collected)
        for type_name, found in self._lost_nodes.items():
            self._report_lost(type_name, *found[0], len(found) - 1)

    def gaps(self) -> Gaps:
        """Return which features are left out, but for those of which another one of the type is used."""
        objects = {name: set(rows) for name, rows in self._meant.items()}
        for name, collected in self._by_type.items():
            objects.setdefault(name, set()).update(collected.objects[index] for index in collected.left_out)
        path = self._tableau.path
        objects[ANY_FEATURE] = self._nameless
        found = ((name, path(row)) for name, rows in objects.items() for row in rows)
        wrong = (
            (name, path(collected.objects[index]))
            for name, collected in self._by_type.items()
            for index in {*collected.wrong, *(index for index, _ in collected.misspelt)}
        )
        return Gaps(frozenset(found), bool(self._nameless), frozenset(wrong))

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
        if spec.kind is FieldKind.ASSET:
            return self._assets_column(collected, spec)
        count = len(collected.objects)
        shape = (count, spec.kind.width) if spec.kind.width > 1 else (count,)
        column = np.empty(shape, spec.kind.dtype)
        column[...] = spec.column_default()
        indices, nodes = collected.values[spec.name]
        reader = ValueReader(
            self._document,
            lambda node: read_value(node, spec, self._assets),
            lambda node: value_instead(node, spec),
        )
        if nodes:
            column[indices] = [reader.value(node, self._errors) for node in nodes]
        if reader.wrong:
            pairs = zip(indices, nodes, strict=True)
            collected.wrong.update(index for index, node in pairs if node in reader.wrong)
        return column

    def _assets_column(self, collected: CollectedFeatures, spec: FieldSpec) -> np.ndarray[Any, Any]:
        """Return the keys of assets; features are left out that name none where they must."""
        default = self._assets.default(spec)
        column = np.full(len(collected.objects), default, spec.kind.dtype)
        indices, nodes = collected.values[spec.name]
        shown = "none" if spec.default is None else f"its default, [{' '.join(spec.default)}],"
        has_instead = not spec.required and (spec.default is None or default not in (NO_ASSET, LOST))
        reader = ValueReader(
            self._document,
            lambda node: read_value(node, spec, self._assets),
            lambda _: (LOST, shown if has_instead else ""),
        )
        if nodes:
            column[indices] = [reader.value(node, self._errors) for node in nodes]
        without = np.ones(len(column), np.bool_)
        without[indices] = False
        self._check_default(collected, spec, default, np.flatnonzero(without).tolist())
        lost = np.flatnonzero(column == LOST)
        if has_instead:
            column[lost] = default
            collected.wrong.update(lost.tolist())
            if spec is collected.table.schema.drawn_field:
                misspelt = {index for index, name in collected.misspelt if name == spec.name}
                collected.unnamed.update(lost.tolist(), misspelt)
        else:
            collected.left_out.update(lost.tolist())
        return column

    def _check_default(
        self, collected: CollectedFeatures, spec: FieldSpec, default: int, without: list[int]
    ) -> None:
        """Leave out the features without an asset that has no default; report that."""
        hint = f"add `{spec.name}: [assetDb0 0]` ({' or '.join(spec.asset_types)})"
        for index in without if spec.required else ():
            collected.left_out.add(index)
            if (index, spec.name) in collected.misspelt:
                continue  # which says enough
            what = f"{collected.table.type_name} on '{self._tableau.path(collected.objects[index])}'"
            self._report("value.missing", f"{what} has no {spec.name}", collected.nodes[index], hint)
        if without and spec.default is not None and default == NO_ASSET:
            message = f"{spec.name} is omitted, and its default {list(spec.default)} does not exist"
            self._report("asset.reference", message, collected.nodes[without[0]], hint)
            collected.left_out.update(without)

    def _flags(self, collected: CollectedFeatures, name: str) -> np.ndarray[Any, Any]:
        flags = np.ones(len(collected.objects), np.bool_)
        indices, nodes = collected.values[name]
        reader = ValueReader(self._document, boolean, lambda _: TRUE_INSTEAD)
        if nodes:
            flags[indices] = [reader.value(node, self._errors) for node in nodes]
        return flags

    def _check_needed(self, collected: CollectedFeatures) -> bool:
        """Leave out features that lack what they need; return whether there were any.

        Where that is in the text and left out, its own problem says why.
        """
        before = len(collected.left_out)
        for required in collected.table.schema.requires:
            for row, index, is_written in self._without(collected, required):
                collected.left_out.add(index)
                if not is_written:
                    path = self._tableau.path(row)
                    self._report(
                        "feature.requires",
                        requires_text(collected.table.type_name, path, required),
                        collected.nodes[index],
                        f"add a {required} feature to '{path}', or remove this one"
                        if required in self._tableau.tables
                        else f"no feature is called {required}; {suggestion(required, self._tableau.tables)}",
                    )
        drawn, draws_as = collected.table.schema.drawn_field, collected.table.schema.draws_as
        if drawn is not None and not drawn.required and (collected.unnamed or self._is_lost(draws_as)):
            keys = collected.columns[drawn.name]
            for _, index, is_written in self._without(collected, draws_as):
                if keys[index] == NO_ASSET and (is_written or index in collected.unnamed):
                    collected.left_out.add(index)  # it would have nothing to draw, a second problem
        return len(collected.left_out) > before

    def _is_lost(self, type_name: str) -> bool:
        """Whether features of a type are in the text and left out."""
        known = self._by_type.get(type_name)
        return bool(self._meant.get(type_name)) or (known is not None and bool(known.left_out))

    def _without(self, collected: CollectedFeatures, other: str) -> list[tuple[int, int, bool]]:
        """Return those without another feature: object, index, whether the text has the other one there."""
        others = self._by_type.get(other)
        kept = others.kept() if others is not None else {}
        written = self._meant.get(other, set()).union(others.objects if others is not None else ())
        return [(row, index, row in written) for row, index in collected.kept().items() if row not in kept]

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

    def _features_of_type(self, row: int, name: str, object_row: int) -> CollectedFeatures | None:
        """Return the collected features of this one's type; report an unknown type, and return None."""
        content = self._document.columns.contents[type_row(self._document, row)]
        if isinstance(content, str) and content in self._by_text:
            return self._by_text[content]
        type_name = Node(self._document, row).type
        table = self._tableau.tables.get(type_name or "")
        if table is not None:
            collected = self._by_type.setdefault(table.type_name, CollectedFeatures(table))
            self._by_text[str(content)] = collected
            return collected
        if type_name and type_name in self._lost:
            self._meant.setdefault(type_name, set()).add(object_row)
            self._lost_nodes.setdefault(type_name, []).append((name, row))
        elif type_name:
            known = [*self._tableau.tables, *self._lost]
            self._meant.setdefault(nearest(type_name, known) or "", set()).add(object_row)
            message = f"there is no feature '{type_name}' (on '{name}')"
            self._report("feature.unknown", message, row, suggestion(type_name, known))
        else:
            self.lose(object_row)
            self._report("feature.type", f"a feature of '{name}' has no @type", row, FEATURE_HELP)
        return None

    def _report_lost(self, type_name: str, name: str, row: int, more: int) -> None:
        """Report a type that could not be loaded, once, at the first feature of it; `more` are the others."""
        others = f" and {more} more object{'s' if more > 1 else ''}" if more else ""
        message = f"the feature '{type_name}' (on '{name}'{others}) could not be loaded"
        cause = self._lost[type_name]
        where = f" at {cause.position}" if cause.position is not None else ""
        advice = f"the warning {cause.code}{where} says why; mend or install it, or remove it here"
        self._report("feature.unknown", message, row, advice)

    def _duplicate(self, type_name: str, name: str, row: int, first: int) -> None:
        message = f"'{name}' has two {type_name} features; the other is at {self._position(first)}"
        self._report("feature.duplicate", message, row, "an object has at most one of each type")

    def _position(self, row: int) -> Position:
        """Return where a feature begins."""
        return self._document.position_at(self._document.columns.starts[type_row(self._document, row)])

    def _unknown_field(self, table: FeatureTable, key: str, row: int) -> str:
        """Report a key that is not known; return the field that is nearest to it, else nothing."""
        known = [*table.schema.by_name, *FLAGS]
        message = f"{table.type_name} has no field '{key}'"
        self._report("field.unknown", message, row, suggestion(key, known), at_key=True)
        return nearest(key, known) or ""

    def _report(self, code: str, message: str, row: int, help: str, at_key: bool = False) -> None:
        """Add a problem at the `@type` of a feature, or at the key of a field."""
        document = self._document
        offset = document.columns.starts[row if at_key else type_row(self._document, row)]
        self._problems.add(problem_at(document, offset, code, message, help))
