"""What a conflict is about, in words: the value that was set here, and that of the file."""

from __future__ import annotations

from typing import Any

from engine.humon.writer import inline
from engine.scene import Scene
from engine.scene.file_update import Conflict
from engine.scene.plain_values import euler_of, plain_field, plain_value


def texts_of(scene: Scene, conflict: Conflict) -> tuple[str, str]:
    """Return what is here and what is in the file, as files have it; of an object what became of it."""
    if conflict.own is None:
        is_in_file = any((part.saver.before.rows == conflict.row).any() for part in scene.parts)
        return ("made here", "another of its name") if is_in_file else ("changed here", "removed there")
    return _text(scene, conflict.what, conflict.own), _text(scene, conflict.what, conflict.file)


def _text(scene: Scene, what: str, value: Any) -> str:
    feature, _, name = what.rpartition(".")
    table = scene.tableau.tables.get(feature)
    spec = table.schema.by_name.get(name) if table is not None else None
    if spec is not None:
        return inline(plain_field(spec, value, scene.dbs))
    if what == "rotation":
        return f"euler: {inline(euler_of(value))}"
    return inline(plain_value(value.item() if getattr(value, "ndim", 1) == 0 else value))
