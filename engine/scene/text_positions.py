"""Positions in a text: lines and columns of many offsets, of a whole tableau, and problems at an offset."""

from __future__ import annotations

from bisect import bisect_left

import numpy as np
from numpy.typing import NDArray

from engine.humon import Document, Kind, Node, Position, Problem, Severity
from engine.tableau import ROOT, Tableau

Ints = NDArray[np.int32]


def positions_of(document: Document, offsets: list[int]) -> tuple[Ints, Ints]:
    """Return 1-based lines and columns (a tab counts 4) of the characters at these offsets."""
    if not offsets:
        return np.empty(0, np.int32), np.empty(0, np.int32)
    if "\t" in document.text:
        found = np.array([document.lines.line_and_column(offset) for offset in offsets], np.int32)
        return found[:, 0], found[:, 1]
    starts = np.frombuffer(document.lines.starts, np.dtype(document.lines.starts.typecode))
    where = np.array(offsets, starts.dtype)
    lines = np.searchsorted(starts, where, side="right")
    return lines.astype(np.int32), (where - starts[lines - 1] + 1).astype(np.int32)


def problem_at(
    document: Document,
    offset: int,
    code: str,
    message: str,
    help: str = "",
    severity: Severity = Severity.ERROR,
) -> Problem:
    """Return a problem at an offset: at a key or a metatag, while `Document.problem` is at a node's value."""
    excerpt = document.lines.excerpt_at(offset)
    return Problem(code, message, document.position_at(offset), excerpt, help, severity)


def offset_at(document: Document, place: Position) -> int:
    """Return the offset of the character in the line and column of a place, or of the end of the line."""
    lines = document.lines
    start = lines.starts[min(place.line, len(lines.starts)) - 1]
    offsets = range(start, lines.end_of_line(start))
    return start + bisect_left(offsets, place.column, key=lambda offset: lines.line_and_column(offset)[1])


def located(document: Document, place: Position, field: str) -> tuple[Position, str]:
    """Return where the value of a field of the feature at `place` is, and an excerpt with a caret under it.

    It is the place of the feature where that has no such field.
    """
    offset = offset_at(document, place)
    starts = document.columns.starts
    rows = np.flatnonzero(np.frombuffer(starts, starts.typecode) == offset).tolist() if field else ()
    for row in rows:
        for owner in (row, row - 1):  # its `@type` follows a feature
            fields = document.children(owner) if type_row(document, owner) == row else None
            if isinstance(fields, dict) and field in fields:
                offset = document.value_start(fields[field])
    return document.position_at(offset), document.lines.excerpt_at(offset)


def type_row(document: Document, row: int) -> int:
    """Return the row whose position is that of a feature: its `@type`, else its own."""
    found = document.columns.metatag(row, "type")
    return row if found is None else found


def update_positions(tableau: Tableau, document: Document, root: int = ROOT) -> None:
    """Set the positions of all objects below `root`, and their features, to those in a written document."""
    starts = document.columns.starts
    file = tableau.file_number(document.name)
    objects: list[int] = []
    offsets: list[int] = []
    features: dict[str, tuple[list[int], list[int]]] = {name: ([], []) for name in tableau.tables}
    waiting = _children(tableau, root, document.root["tableau"])
    while waiting:
        row, node = waiting.pop()
        objects.append(row)
        offsets.append(starts[node.row])
        listed = node.get("features")
        seen = set()
        for feature in listed if listed is not None and listed.kind is Kind.LIST else ():
            name = str(feature.type)
            table = tableau.tables.get(name) if feature.kind is Kind.DICT and name not in seen else None
            at = table.row_of(row) if table is not None else None
            seen.add(name)
            if at is not None:
                features[name][0].append(at)
                features[name][1].append(starts[type_row(document, feature.row)])
        waiting.extend(_children(tableau, row, node))
    tableau.set_positions(np.array(objects, np.int32), (file, *positions_of(document, offsets)))
    for name, (rows, where) in features.items():
        tableau.tables[name].set_positions(np.array(rows, np.int32), (file, *positions_of(document, where)))


def copy_positions(tableau: Tableau, rows: Ints, other: Tableau, others: Ints) -> None:
    """Give objects, and their features, the positions that objects of another tableau have."""
    numbers = np.array([tableau.file_number(name) for name in other.files], np.int32)

    def numbered(file: Ints, line: Ints, column: Ints) -> tuple[Ints, Ints, Ints]:
        return numbers[file], line, column

    tableau.set_positions(rows, numbered(*other.positions(others)))
    for name, table in tableau.tables.items():
        theirs = other.tables[name]
        both = table.owned_by(rows) & theirs.owned_by(others)
        at = theirs.rows_of(others[both])
        table.set_positions(table.rows_of(rows[both]), numbered(*theirs.positions(at)))


def _children(tableau: Tableau, row: int, node: Node) -> list[tuple[int, Node]]:
    """Return rows and nodes of the children of an object that are in the text."""
    objects = node.get("objects")
    handle = None if row == ROOT else tableau.handle(row)
    if objects is None:
        return []
    return [(child.row, objects[child.name]) for child in tableau.children(handle) if child.name in objects]
