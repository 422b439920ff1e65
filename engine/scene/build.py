"""Builds a tableau's columns from the nodes of a `tableau`, level by level, whole arrays at a time.

What is wrong is reported, and left out as if the text had it not: docs/errors.md has how much of it that is.

The loops below read the document's columns instead of nodes: a scene of 100,000 objects has more than a
million values. Values that are not plain are read node by node, which also reports the problems.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from engine.humon import (
    Document,
    InputError,
    Kind,
    Node,
    Problem,
    ProblemCollector,
    boolean,
    expect,
    nearest,
    suggestion,
    text,
)
from engine.math import euler_xyz_degrees
from engine.scene.features import FeatureReader
from engine.scene.text_positions import positions_of, problem_at
from engine.scene.values import TRUE_INSTEAD, AssetNames, ValueReader, using
from engine.scene.vectors import read_vectors
from engine.tableau import ROOT, Tableau
from engine.tableau.activity import FLAGS
from engine.tableau.columns import Rows
from engine.tableau.gaps import Gaps
from engine.tableau.names import are_valid_names, fold, fold_all, invalid_name_reason

TABLEAU_KEYS = ("name", "active", "enabled", "objects")
OBJECT_KEYS = ("translation", "rotation", "euler", "scale", "active", "enabled", "features", "objects")
VECTORS = {"translation": 3, "rotation": 4, "euler": 3, "scale": 3}
IDENTITY = {"translation": "[0 0 0]", "rotation": "[0 0 0 1]", "euler": "[0 0 0]", "scale": "[1 1 1]"}
"""What is used in place of a wrong transform."""


class Level:
    """The objects of one level: names, parents, nodes, and the nodes of their values."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.parents: list[int] = []
        self.nodes: list[int] = []
        self.values: dict[str, tuple[list[int], list[int]]] = {key: ([], []) for key in OBJECT_KEYS}
        """By key: indices of objects in this level, rows of the value nodes."""


class TableauBuilder:
    """Builds a tableau from one `tableau` node; adds problems to a collector."""

    def __init__(
        self,
        document: Document,
        tableau: Tableau,
        assets: AssetNames,
        problems: ProblemCollector,
        root: int,
        lost: Mapping[str, Problem],
    ) -> None:
        """`root` is the row of the object that all others are below, which has the flags of the tableau.

        `lost` are the features that could not be loaded, as in FeatureReader.
        """
        self._document = document
        self._tableau = tableau
        self._root = root
        self._problems = problems
        self._errors: list[InputError] = []
        self._lost: set[str] = set()
        """Paths of objects that are left out, as in Gaps."""
        self._lost_lists: set[str] = set()
        """Paths of objects of whose features some are left out."""
        self._flags = ValueReader(document, boolean, lambda _: TRUE_INSTEAD)
        self._file = tableau.file_number(document.name)
        self._features = FeatureReader(document, tableau, assets, problems, self._errors, lost)

    def build(self, node: Node) -> Gaps:
        """Add everything below a `tableau` node; return what is left out."""
        with self._problems.catching():
            for key, child in node.items():
                self._read_top(key, child)
            waiting = [(self._root, node["objects"].row)] if "objects" in node else []
            while waiting:
                waiting = self._add_level(self._collect(waiting))
            self._features.finish()
        self._problems.problems.extend(problem for error in self._errors for problem in error.problems)
        for path in self._lost_lists:
            if path in self._tableau:
                self._features.lose(self._tableau[path].row)
        gaps = self._features.gaps()
        has_any = gaps.has_any or bool(self._lost or self._document.repeated)
        return replace(gaps, has_any=has_any, objects=frozenset(self._lost))

    def _read_top(self, key: str, node: Node) -> None:
        with self._problems.catching():
            whole = self._tableau if self._root == ROOT else self._tableau.handle(self._root)
            if key == "name":
                self._tableau.name = text(node) if self._root == ROOT else self._tableau.name
            elif key in FLAGS:
                setattr(whole, key, self._flags.value(node.row, self._errors))
            elif key != "objects" and self._unknown("a tableau", key, node, TABLEAU_KEYS) == "objects":
                self._lose(self._root, "")

    def _collect(self, waiting: list[tuple[int, int]]) -> Level:
        """Collect the objects of one level from (row of the parent, node of its `objects`)."""
        level = Level()
        contents = self._document.columns.contents
        for parent, node in waiting:
            objects = contents[node]
            if not isinstance(objects, dict):
                self._lose(parent, "")
                self._expect_dict(node)
                continue
            for row in self._document.columns.repeated.get(node, ()):
                self._lose(parent, f"{self._document.columns.keys[row]}/")
            for name, row in self._valid_names(objects, parent):
                fields = contents[row]
                if not isinstance(fields, dict):
                    self._lose(parent, name)
                    self._expect_dict(row)
                    continue
                if self._document.columns.repeated:
                    self._lose_repeated(parent, name, row)
                index = len(level.names)
                level.names.append(name)
                level.parents.append(parent)
                level.nodes.append(row)
                for key, child in fields.items():
                    try:
                        known = level.values[key]
                    except KeyError:
                        meant = self._unknown(
                            f"object '{name}'", key, Node(self._document, child), OBJECT_KEYS
                        )
                        self._lose_part(parent, name, meant)
                    else:
                        known[0].append(index)
                        known[1].append(child)
                if "rotation" in fields and "euler" in fields:
                    self._two_rotations(name, Node(self._document, fields["euler"]))
                    for column in level.values["euler"]:
                        column.pop()
        return level

    def _add_level(self, level: Level) -> list[tuple[int, int]]:
        """Add the objects of a level; return (row, node of `objects`) for the next one."""
        if not level.names:
            return []
        document = self._document
        starts = document.columns.starts
        lines, columns = positions_of(document, [starts[node] for node in level.nodes])
        rows = self._tableau.add_objects(
            names=level.names,
            parent=np.array(level.parents, np.int32),
            positions=(self._file, lines, columns),
            active=self._flag(level, "active"),
            enabled=self._flag(level, "enabled"),
        )
        self._set_transforms(rows, level)
        row_list = rows.tolist()
        for index, node in zip(*level.values["features"], strict=True):
            self._features.collect(row_list[index], level.names[index], node)
        return [(row_list[index], node) for index, node in zip(*level.values["objects"], strict=True)]

    def _flag(self, level: Level, name: str) -> Any:
        indices, nodes = level.values[name]
        flags = np.ones(len(level.names), np.bool_)
        flags[indices] = [self._flags.value(node, self._errors) for node in nodes]
        return flags

    def _set_transforms(self, rows: Rows, level: Level) -> None:
        for key, width in VECTORS.items():
            indices, nodes = level.values[key]
            if not nodes:
                continue
            errors: list[InputError] = []
            values, right = read_vectors(self._document, nodes, width, errors)
            self._errors += [using(error, f"its default, {IDENTITY[key]},") for error in errors]
            values, objects = values[right], rows[indices][right]
            if key == "euler":
                self._tableau.set_transforms(objects, rotation=euler_xyz_degrees(values))
            else:
                self._tableau.set_transforms(objects, **{key: values})

    def _valid_names(self, objects: dict[str, int], parent: int) -> Sequence[tuple[str, int]]:
        """Return the objects with valid and unique names; report the others."""
        names = list(objects)
        if are_valid_names(names) and len(set(fold_all(names))) == len(names):
            return list(objects.items())
        seen: dict[str, str] = {}
        good = []
        for name, row in objects.items():
            fault = invalid_name_reason(name)
            other = seen.setdefault(fold(name), name)
            if not fault and other != name:
                first = self._document.position_at(self._document.columns.starts[objects[other]])
                fault = f"it differs only by letter case or Unicode normal form from '{other}' at {first}"
            if fault:
                self._lose(parent, name)
                message = f"'{name}' cannot name an object: {fault}"
                self._problems.add(self._at_key("object.name", message, row, "rename it"))
            else:
                good.append((name, row))
        return good

    def _at_key(self, code: str, message: str, row: int, help: str) -> Problem:
        """Return a problem at the key of a node."""
        return problem_at(self._document, self._document.columns.starts[row], code, message, help)

    def _unknown(self, what: str, key: str, node: Node, known: Sequence[str]) -> str:
        """Report a key that is not known; return the one that is nearest to it, else nothing."""
        self._problems.add(
            self._at_key("field.unknown", f"{what} has no '{key}'", node.row, suggestion(key, known))
        )
        return nearest(key, known) or ""

    def _two_rotations(self, name: str, node: Node) -> None:
        message = f"object '{name}' has both rotation and euler"
        self._problems.add(self._at_key("object.rotation", message, node.row, "remove one of them"))

    def _lose(self, parent: int, below: str) -> None:
        """Note that an object is left out, by the path below its parent; without one all below that are."""
        self._lost.add(f"{self._tableau.path(parent)}/{below}".lstrip("/") or "/")

    def _lose_part(self, parent: int, name: str, key: str) -> None:
        """Note that the objects below an object, or its features, are left out; nothing for another key."""
        if key == "objects":
            self._lose(parent, f"{name}/")
        elif key == "features":
            self._lost_lists.add(f"{self._tableau.path(parent)}/{name}".lstrip("/"))

    def _lose_repeated(self, parent: int, name: str, row: int) -> None:
        """Note what is left out of an object as its key is there for the second time."""
        columns = self._document.columns
        for child in columns.repeated.get(row, ()):
            self._lose_part(parent, name, str(columns.keys[child]))

    def _expect_dict(self, row: int) -> None:
        with self._problems.catching():
            expect(Node(self._document, row), Kind.DICT)
