"""Copies of objects with all that is below them, within a tableau or from another one; and free names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from engine.tableau.names import MAX_NAME, fold
from engine.tableau.tableau import Tableau

Rows = NDArray[np.int32]

_NUMBER = re.compile(r"\d+\Z")


def free_names(wanted: Sequence[str], taken: Iterable[str]) -> list[str]:
    """Return the names, with numbers from 2 at their ends where they or their like are taken: cube, cube2."""
    used = {fold(name) for name in taken}
    next_number: dict[str, int] = {}
    found = []
    for name in wanted:
        free = name
        if fold(free) in used:
            base = _NUMBER.sub("", name)[: MAX_NAME - 9] or name[: MAX_NAME - 9]
            number = next_number.get(base, 2)
            while fold(free) in used:
                free, number = f"{base}{number}", number + 1
            next_number[base] = number
        used.add(fold(free))
        found.append(free)
    return found


def child_names(tableau: Tableau, parent: int) -> list[str]:
    """Return the names of the children of an object."""
    return [tableau.name_of(row) for row in tableau.rearranging.order(parent)]


def copy_objects(source: Tableau, roots: Rows, target: Tableau, parents: Rows) -> tuple[Rows, Rows]:
    """Copy objects of one tableau, none above another, into one (also the same).

    Returns all that were copied and their copies, those of the roots first. `parents` has the new parent of
    each, ROOT for the top. Names that are taken there get a number.
    """
    names = [source.name_of(row) for row in roots.tolist()]
    for parent in np.unique(parents).tolist():
        here = np.flatnonzero(parents == parent).tolist()
        free = free_names([names[each] for each in here], child_names(target, parent))
        for each, name in zip(here, free, strict=True):
            names[each] = name
    new = np.full(len(source.level), -1, np.int32)
    level_rows, level_parents = roots, parents
    copied = []
    while len(level_rows):
        made = target.add_objects(
            names=names,
            parent=level_parents.astype(np.int32),
            translation=source.translation[level_rows].copy(),
            rotation=source.rotation[level_rows].copy(),
            scale=source.scale[level_rows].copy(),
            active=source.flags("active")[level_rows].copy(),
            enabled=source.flags("enabled")[level_rows].copy(),
        )
        new[level_rows] = made
        copied.append(level_rows)
        below = [source.rearranging.order(row) for row in level_rows.tolist()]
        counts = [len(each) for each in below]
        level_rows = np.array([row for rows in below for row in rows], np.int32)
        level_parents = np.repeat(made, counts)
        names = [source.name_of(row) for row in level_rows.tolist()]
    old = np.concatenate(copied) if copied else roots
    for type_name, table in source.tables.items():
        owners = old[table.owned_by(old)]
        if len(owners):
            columns = table.copied(table.rows_of(owners))
            columns["object"] = new[owners]
            columns["file"] = np.full(len(owners), -1, np.int32)
            columns["failed"] = np.zeros(len(owners), np.bool_)
            target.tables[type_name].add_copied(columns)
    return np.asarray(old, np.int32), np.asarray(new[old], np.int32)
