"""Objects and features as Humon text, as scene files have them, and back."""

from __future__ import annotations

import numpy as np

from engine.humon import Kind, Node, parse, write
from engine.humon.writer import INDENT, pair_lines
from engine.scene import Scene
from engine.scene.origin import Origin
from engine.scene.plain_values import plain_feature, plain_object
from engine.scene.snapshot import Snapshot
from engine.tableau import FieldKind, Tableau
from engine.tableau.editing.object_copies import free_names
from viewer.editing.value_edit import Renewed, Rows, renewed_keys

NAME = "the clipboard"


def text_of(scene: Scene, rows: Rows) -> str:
    """Return objects, none above another, with all that is below them, as `objects: { ... }`.

    They are written as in their files, where all of them is from there.

    Raises InputError for an asset that cannot be named.
    """
    tableau = scene.tableau
    names = free_names([tableau.name_of(row) for row in rows.tolist()], ())
    texts = []
    for name, row in zip(names, rows.tolist(), strict=True):
        part = scene.part_of(row)
        text = part.saver.text_of(row) if name == tableau.name_of(row) else None
        if text is None:
            plain = plain_object(tableau, row, part.dbs, tableau.rearranging.order)
            text = "\n".join(pair_lines(name, plain, INDENT))
        texts.append(text)
    return "\n".join(["objects: {", *texts, "}", ""])


def feature_text(scene: Scene, type_name: str, row: int) -> str:
    """Return the feature of an object as `features: [ ... ]`; raises as `text_of`."""
    table = scene.tableau.tables[type_name]
    at = table.row_of(row)
    features = [] if at is None else [plain_feature(table, at, scene.part_of(row).dbs)]
    return write({"features": features})


def is_features(text: str) -> bool:
    """Whether a text has features alone, not objects. Raises InputError for what is no Humon."""
    root = parse(text, NAME).root
    return root.type is not None or (root.kind is Kind.DICT and list(root.keys()) == ["features"])


def read_pasted(scene: Scene, text: str, parent: int, renewed: Renewed) -> tuple[Origin, Tableau]:
    """Return a tableau with the objects of a text, to be copied, and what they are written like.

    Features alone are those of one object. See `Scene.read_objects`.
    """
    root = parse(text, NAME).root
    origin, tableau = scene.read_objects(_whole(root, text), parent, NAME)
    for table in tableau.tables.values():
        used = np.flatnonzero(table.object >= 0).astype(np.int32)
        for spec in table.schema.fields:
            if spec.kind is FieldKind.ASSET and len(used):
                table.set(spec.name, used, renewed_keys(table.column(spec.name)[used], renewed))
    return Origin(origin.document, origin.whole, Snapshot.of(tableau)), tableau


def _whole(root: Node, text: str) -> str:
    """Return the text of a tableau around what a text has."""
    if root.type is not None:
        return f"objects: {{ pasted: {{ features: [ {text}\n ] }} }}"
    if root.kind is Kind.DICT and list(root.keys()) == ["features"]:
        inside = text if not text.lstrip().startswith("{") else text.strip()[1:-1]
        return f"objects: {{ pasted: {{ {inside}\n }} }}"
    if root.kind is Kind.DICT and "objects" not in root:
        return f"objects: {{ {text}\n }}" if not text.lstrip().startswith("{") else f"objects: {text}"
    return text
