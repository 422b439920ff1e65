"""Writes rows of the table as CSV and JSON, whole or not at all."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.files import write_whole
from viewer.numbered_files import free_path
from viewer.panels.memory.table.memory_table import TITLES, Column, MemoryTable

SUFFIXES = (".csv", ".json")


def csv_text(
    table: MemoryTable, rows: NDArray[np.integer], columns: Sequence[Column], delimiter: str = ","
) -> str:
    """The rows as CSV with a header; sizes in bytes. A formula stays a text in spreadsheets."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    writer.writerow([TITLES[column] for column in columns])
    for row in rows.tolist():
        writer.writerow([_cell(table.value(row, column)) for column in columns])
    return out.getvalue()


def json_text(table: MemoryTable, rows: NDArray[np.integer], columns: Sequence[Column]) -> str:
    """The rows as a JSON list of objects by title; sizes in bytes, null where a row has no value."""
    values = [{TITLES[column]: table.value(row, column) for column in columns} for row in rows.tolist()]
    return json.dumps(values, indent=1, ensure_ascii=False) + "\n"


def export_rows(path: Path, table: MemoryTable, rows: NDArray[np.integer], columns: Sequence[Column]) -> Path:
    """Write rows to a file whose suffix says how, and return it: a numbered one where `path` is there.

    Raises ValueError for another suffix, or OSError.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(f"'{path.name}' ends with neither of {' and '.join(SUFFIXES)}")
    text = csv_text(table, rows, columns) if suffix == ".csv" else json_text(table, rows, columns)
    target = free_path(path.with_suffix(""), path.suffix)
    write_whole(target, text.encode("utf-8", "surrogatepass"))
    return target


def _cell(value: str | int | None) -> str | int:
    if value is None:
        return ""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return value
