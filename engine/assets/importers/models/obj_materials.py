"""Reads the material files that an OBJ file names, through the gate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from engine.assets.files import FileGate, FileRejectedError
from engine.assets.roots import display_path
from engine.files.signatures import Probed, signatures
from engine.humon import Code, InputError, Problem, Severity, suggestion
from engine.obj import Lines, ObjCode, ObjFile, ObjMaterial, ObjPlace, read_materials

MOST_FILES = 256
"""Most material files of an OBJ file."""


@dataclass(frozen=True, slots=True)
class ObjMaterials:
    """The materials of an OBJ file by name, and what is wrong with them.

    `lost` are the names of those that it uses and that no file has.
    """

    by_name: Mapping[str, ObjMaterial] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    lost: frozenset[str] = frozenset()


def read_material_files(
    file: ObjFile, path: Path, gate: FileGate, probed: Probed | None = None
) -> ObjMaterials:
    """Return the materials of the files that an OBJ file at a path names.

    A file that cannot be read is a warning. Maps whose files must not be used are left out, and those that
    are not drawn. `probed` gets the files, those that are not there too, and those of maps that must not be
    used.
    """
    probed = {} if probed is None else probed
    found: dict[str, ObjMaterial] = {}
    problems: list[Problem] = []
    read: set[Path] = set()
    are_all_read = True
    for written, line in file.material_files:
        names, rejected = _names(written, path, gate, probed), list[FileRejectedError]()
        for name in names:
            if len(read) >= MOST_FILES:
                message = f"materials are left out: more than {MOST_FILES} files are named"
                file.lines.warn(ObjCode.LIMIT, message, line, "join them to one file")
                break
            probed |= signatures(gate.places(name, path.parent))
            try:
                source = gate.resolve(name, path.parent)
                if source in read:
                    continue
                content, _ = gate.read(source)
                read.add(source)
                materials, lines = read_materials(content, display_path(source))
            except FileRejectedError as error:
                rejected.append(error)
                continue
            except InputError as error:
                are_all_read = False
                problems += [replace(problem, severity=Severity.WARNING) for problem in error.problems]
                continue
            for material in materials.values():
                _leave_out_rejected(material, path.parent, gate, lines, probed)
                _leave_out_unread(material, path.parent, gate, lines)
            found = materials | found
            problems += lines.warnings
        if 1 < len(names) == sum(one.code == Code.FILE_MISSING for one in rejected):
            reason = f"there is no file '{written}'"  # whether that is one name or several
            rejected = [FileRejectedError(Code.FILE_MISSING, reason, rejected[0].help)]
        for refused in rejected:
            file.lines.warn(refused.code, f"materials are left out: {refused.reason}", line, refused.help)
        are_all_read &= not rejected
    lost: set[str] = set()
    for part in file.parts:
        if part.material and part.material not in found and file.material_files:
            lost.add(part.material)
            if not are_all_read:
                continue  # they may be in what is left out
            message = f"there is no material '{part.material}'; it is drawn grey"
            place = ObjPlace(file.lines, part.line)
            hint = suggestion(part.material, found) or "add it to a file that `mtllib` names"
            problems.append(file.lines.problem(ObjCode.MATERIAL, message, place, hint, Severity.WARNING))
    return ObjMaterials(found, tuple(problems), frozenset(lost))


def _leave_out_rejected(
    material: ObjMaterial, folder: Path, gate: FileGate, lines: Lines, probed: Probed
) -> None:
    """Remove the maps whose files must not be used, with a warning for each; note those without a file."""
    for what, file in list(material.textures.items()):
        try:
            if gate.is_missing(gate.resolve(file, folder)):
                probed |= signatures(gate.places(file, folder))
                message = f"'{file}', a map of '{material.name}', does not exist"
                place = ObjPlace(lines, material.lines[what])
                material.missing.append(lines.problem(Code.FILE_MISSING, message, place))
        except FileRejectedError as error:
            del material.textures[what]
            material.is_whole = False
            probed |= signatures(gate.places(file, folder))
            message = f"a map of '{material.name}' is left out: {error.reason}"
            lines.warn(error.code, message, material.lines[what], error.help)


def _leave_out_unread(material: ObjMaterial, folder: Path, gate: FileGate, lines: Lines) -> None:
    """Remove the maps of one number that are no channel of a picture that is drawn, with a warning for each.

    Alpha is that of the picture of `map_Kd`, and metal that of the picture of `map_Pr`.
    """
    for what, key, other, of in (
        ("alpha", "map_d", "albedo", "map_Kd"),
        ("metallic", "map_Pm", "roughness", "map_Pr"),
    ):
        file = material.textures.get(what)
        if file is None or (file, material.placed.get(what)) == (
            material.textures.get(other),
            material.placed.get(other),
        ):
            continue
        del material.textures[what]
        message = f"'{key}' of '{material.name}' is not drawn: its picture is not that of '{of}'"
        code: str = ObjCode.MATERIAL
        channel = "alpha" if what == "alpha" else "blue channel"
        hint = f"put it into the {channel} of the picture of `{of}`, and name that picture"
        try:
            gate.stamp(gate.resolve(file, folder))
        except FileRejectedError as error:
            code, message, hint = (
                error.code,
                f"'{key}' of '{material.name}' is not drawn: {error.reason}",
                error.help,
            )
        lines.warn(code, message, material.lines[what], hint)


def _names(written: str, path: Path, gate: FileGate, probed: Probed) -> list[str]:
    """Return the names of material files that a line has: one with spaces, if there is such a file."""
    name = written.replace("\\", "/")
    if len(name.split()) > 1:
        probed |= signatures(gate.places(name, path.parent))
        try:
            gate.stamp(gate.resolve(name, path.parent))
        except FileRejectedError:
            return name.split()
    return [name]
