"""Changes one value by its path, as the command line's `--set` does.

`PATH.FEATURE.FIELD=VALUE` sets a field of a feature, including `active` and `enabled`;
`PATH.PROPERTY=VALUE` sets translation, rotation, euler, scale, active or enabled of the object itself, and
`tableau.active` or `tableau.enabled` the flag of the whole tableau, where no object is called so. The value
is written as in a file: `cube.shadowCaster.active=false`, `lamp.light.color=[1 0.9 0.8]`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from engine.humon import Code, InputError, Node, Problem, boolean, parse, suggestion
from engine.humon.diagnostics import COMMA_HINT
from engine.scene.build import VECTORS
from engine.scene.values import AssetNames, read_value
from engine.scene.vectors import read_vector
from engine.tableau import FeatureTable, ObjectHandle, Tableau
from engine.tableau.activity import FLAGS

if TYPE_CHECKING:
    from engine.scene.scene import Scene

WHOLE = "tableau"
"""What names the tableau itself in a setting."""

FORM = "write PATH.FEATURE.FIELD=VALUE, such as cube.shadowCaster.active=false"
ONE_VALUE = "write a list in brackets, as [1 2 3] or [assetDb0 cube], and a text with spaces in quotes"


def apply_setting(scene: Scene, setting: str) -> None:
    """Change one value of a scene; none of an object or feature that its file has and that is left out.

    What is left out has its own problem, so that naming it is no second one.

    Raises InputError: `setting.form`, `object.unknown`, `feature.unknown`, `field.unknown` (with the nearest
    name), `value.*`, `asset.reference`, `humon.*`.
    """
    target, equals, written = setting.partition("=")
    target = target.strip()
    whole, _, flag = target.partition(".")
    if not equals or not whole or "." not in target:
        raise _error("setting.form", setting, "is not a setting", FORM)
    is_whole = whole == WHOLE and WHOLE not in scene.tableau and "." not in flag
    if is_whole and flag not in FLAGS:
        what = f"names neither an object nor a flag of the tableau: there is no '{flag}'"
        raise _error("object.unknown", setting, what, suggestion(flag, FLAGS))
    found = None if is_whole else _find(scene.tableau, target, setting)
    if not written.strip():
        raise _error("value.missing", setting, "has no value", f"write the value behind `{target}=`")
    try:
        node = parse(written, "--set").root
        if is_whole:
            setattr(scene.tableau, flag, boolean(node))
        if found is None:
            return
        handle, rest = found
        if len(rest) == 1:
            _set_property(handle, rest[0], node, setting)
        else:
            _set_field(scene, handle, rest[0], rest[1], node, setting)
    except InputError as error:
        raise InputError(_named(problem, setting, target) for problem in error.problems) from error


def _find(tableau: Tableau, target: str, setting: str) -> tuple[ObjectHandle, list[str]] | None:
    """Return the object that a target begins with, and the one or two words after it; names may have dots.

    None where that object is left out.
    """
    words = target.split(".")
    paths = [".".join(words[:-count]) for count in (2, 1)]
    for path, count in zip(paths, (2, 1), strict=True):
        if path in tableau:
            return tableau[path], words[-count:]
    if any(path and tableau.gaps.has(path) for path in paths):
        return None
    try:
        return tableau[".".join(words[:-2]) or words[0]], words[-2:]
    except KeyError as error:
        message, _, hint = str(error.args[0]).partition("; ")
        raise _error("object.unknown", setting, f"names no object: {message}", hint or FORM) from error


def _set_property(handle: ObjectHandle, name: str, node: Node, setting: str) -> None:
    if name in FLAGS:
        setattr(handle, name, boolean(node))
    elif name in VECTORS:
        setattr(handle, name, read_vector(node, VECTORS[name]))
    else:
        known = [*VECTORS, *FLAGS, *(f"{type_name}.FIELD" for type_name in handle.features)]
        what = f"names no property of '{handle.path}': there is no '{name}'"
        raise _error("field.unknown", setting, what, suggestion(name, known))


def _set_field(
    scene: Scene, handle: ObjectHandle, type_name: str, field: str, node: Node, setting: str
) -> None:
    if type_name not in handle:
        if scene.tableau.gaps.has(handle.path, type_name):
            return
        what = f"names no feature of '{handle.path}': there is no '{type_name}'"
        advice = suggestion(type_name, list(handle.features)) or "it has no features: give it one in its file"
        raise _error("feature.unknown", setting, what, advice)
    feature = handle[type_name]
    table: FeatureTable = feature.table
    rows = np.array((feature.row,), np.int32)
    if field in FLAGS:
        table.set_flag(field, rows, boolean(node))
        return
    spec = table.schema.by_name.get(field)
    if spec is None:
        known = [*table.schema.by_name, *FLAGS]
        what = f"names no field of {type_name}: there is no '{field}'"
        raise _error("field.unknown", setting, what, suggestion(field, known))
    table.set(field, rows, read_value(node, spec, AssetNames(scene.part_of(handle.row).dbs)))


def _error(code: str, setting: str, what: str, help: str) -> InputError:
    return InputError(Problem(code, f"--set {setting} {what}", help=help))


def _named(problem: Problem, setting: str, target: str) -> Problem:
    """Return a problem of a setting's value with the setting instead of a position in a file."""
    if problem.position is None:
        return problem
    field = target.rpartition(".")[2]
    message, advice = problem.message.replace("this entry", f"'{field}'", 1), problem.help
    if problem.code == Code.AFTER_ROOT:
        message = f"'{field}' has more than one value"
        advice = f"{advice}; {ONE_VALUE}" if advice == COMMA_HINT else ONE_VALUE
    advice = advice.replace(f"write `{field}: ", f"write `{target}=", 1)
    return Problem(problem.code, f"--set {setting}: {message}", help=advice)
