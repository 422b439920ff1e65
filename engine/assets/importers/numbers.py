"""Reads the numbers of a Humon list into an array, from its text at once or node by node to find errors."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt

from engine.assets.codes import AssetCode
from engine.humon import Code, Kind, Node, failure, number

_PLAIN = re.compile(r"[0-9eE+\-.,\s\[\]]*")
_MAX_TOKEN_CHARS = 40


def rows_of(node: Node, limit: int) -> npt.NDArray[np.float64]:
    """Return a list of rows, or of numbers, as float64[rows, columns].

    Raises InputError: `value.kind`, `value.count` if rows differ in length, `value.number`, `value.range`,
    and `mesh.size` for more than `limit` rows.
    """
    if node.kind is not Kind.LIST:
        raise failure(
            Code.KIND,
            f"'{node.key}' must be a list of numbers",
            node,
            f"write them in brackets: `{node.key}: [0 1 2]`",
        )
    rows = _parse_fast(node.text)
    if rows is None:
        rows = _parse_nodes(node)
    if len(rows) > limit:
        raise failure(
            AssetCode.MESH_SIZE,
            f"'{node.key}' has {len(rows)} entries; at most {limit} are read",
            node,
            "divide the mesh",
        )
    return rows


def _parse_fast(text: str) -> npt.NDArray[np.float64] | None:
    """Parse a text of only numbers, brackets and white space, in rows of equal length; None for others."""
    if not _PLAIN.fullmatch(text):
        return None
    inner = text.replace(",", " ").strip()[1:-1]
    tokens = inner.replace("[", " ").replace("]", " ").split()
    if not tokens or len(max(tokens, key=len)) > _MAX_TOKEN_CHARS:
        return None
    columns = 1
    if "[" in inner:
        pieces = inner.split("]")
        lengths = {len(piece.replace("[", " ", 1).split()) for piece in pieces[:-1]}
        nested = inner.count("[") != len(pieces) - 1 or any(piece.count("[") != 1 for piece in pieces[:-1])
        outside = pieces[-1].strip() or any(piece.partition("[")[0].strip() for piece in pieces[:-1])
        if len(lengths) != 1 or nested or outside or 0 in lengths:
            return None
        columns = lengths.pop()
    try:
        values = np.array(tokens, dtype=np.float64)
    except ValueError:
        return None
    return values.reshape(-1, columns) if np.isfinite(values).all() else None


def _parse_nodes(node: Node) -> npt.NDArray[np.float64]:
    """Read node by node, which reports errors and supports comments and quoted numbers."""
    rows: list[list[float]] = []
    width = None
    for child in node:
        row = [number(entry) for entry in child] if child.kind is Kind.LIST else [number(child)]
        if width is not None and len(row) != width:
            message = f"this row of '{node.key}' has {len(row)} numbers, the previous rows have {width}"
            raise failure(Code.COUNT, message, child, f"write {width} in each row")
        width = len(row)
        rows.append(row)
    return np.array(rows, dtype=np.float64).reshape(len(rows), width or 1)
