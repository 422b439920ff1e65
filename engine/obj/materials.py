"""Reads MTL files: the values of materials, with those for metallic-roughness shading."""

from __future__ import annotations

import math
import shlex
from dataclasses import dataclass, field

from engine.obj.codes import ObjCode
from engine.obj.text import Lines, WordError, decimal

_MAPS = {
    "map_Kd": "albedo",
    "map_Ke": "emissive",
    "norm": "normal",
    "map_Pr": "roughness",
    "map_Pm": "metallic",
    "map_d": "alpha",
}
_BRIGHTEST = 1000.0
_UNREAD_MAPS = frozenset(
    {"map_Bump", "map_bump", "bump", "disp", "map_Ks", "map_Ns", "map_Ka", "decal", "refl"}
)


@dataclass(slots=True)
class ObjMaterial:
    """The values of a material; colours are sRGB. `textures` are names of files, `lines` where they stand."""

    name: str
    diffuse: tuple[float, float, float] = (0.8, 0.8, 0.8)
    emissive: tuple[float, float, float] = (0.0, 0.0, 0.0)
    alpha: float = 1.0
    roughness: float = 1.0
    metallic: float = 0.0
    ior: float = 1.5
    textures: dict[str, str] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)


def read_materials(content: bytes, name: str) -> tuple[dict[str, ObjMaterial], Lines]:
    """Return the materials of an MTL file by name, and its lines with warnings of what was left out.

    Raises InputError `obj.encoding`.
    """
    lines = Lines(content, name)
    found: dict[str, ObjMaterial] = {}
    current: ObjMaterial | None = None
    for number, key, rest in lines.statements():
        if key == "newmtl":
            current = found.setdefault(rest, ObjMaterial(rest))
        elif current is not None:
            try:
                _apply(current, key, rest.partition("#")[0].strip(), lines, number)
            except WordError as error:
                message = f"'{key}' of '{current.name}' is left out: {error}"
                lines.warn(ObjCode.MATERIAL, message, number, word=error.word)
    return found, lines


def _apply(material: ObjMaterial, key: str, rest: str, lines: Lines, number: int) -> None:
    """Set one value. Raises WordError for one that is wrong."""
    if key == "Kd":
        material.diffuse = _color(rest, 1.0)
    elif key == "Ke":
        material.emissive = _color(rest, _BRIGHTEST)
    elif key == "d":
        has_halo = rest.startswith("-halo ")
        material.alpha = _number(rest.removeprefix("-halo "), 0.0, 1.0, 1 + has_halo)
    elif key == "Tr":
        material.alpha = 1.0 - _number(rest, 0.0, 1.0)
    elif key == "Ns":
        # The exponent of Blinn's lobe with the width of GGX's (Walter et al., "Microfacet Models", 2007).
        material.roughness = (2.0 / (2.0 + _number(rest, 0.0, math.inf))) ** 0.25
    elif key == "Pr":
        material.roughness = _number(rest, 0.0, 1.0)
    elif key == "Pm":
        material.metallic = _number(rest, 0.0, 1.0)
    elif key == "Ni":
        material.ior = max(_number(rest, 0.0, 100.0), 1.0)
    elif key in _MAPS:
        material.textures[_MAPS[key]] = _file(rest)
        material.lines[_MAPS[key]] = number
    elif key in _UNREAD_MAPS:
        message = f"'{key}' of '{material.name}' is not drawn"
        lines.warn(ObjCode.MATERIAL, message, number, "normal maps are read as `norm`")


def _color(text: str, high: float) -> tuple[float, float, float]:
    values = [_number(word, 0.0, high, at) for at, word in enumerate(text.split()[:3], 1)]
    if len(values) == 1:
        values *= 3
    if len(values) != 3:
        raise WordError("a colour has three numbers")
    return values[0], values[1], values[2]


def _number(text: str, low: float, high: float, at: int = 1) -> float:
    """Return the first number of a text, which is word `at` of its statement."""
    words = text.split()
    if not words:
        raise WordError("there is no number")
    return min(max(decimal(words[0], at), low), high)


def _file(text: str) -> str:
    """Return the name of a map's file, after its options, each of which begins with a minus."""
    try:
        words = shlex.split(text) if '"' in text else text.split(" ")
    except ValueError:
        raise WordError("a quotation mark in it has no other one") from None
    at = 0
    while at < len(words) and words[at].startswith("-"):
        at += 1
        while at < len(words) and _is_value(words[at]):
            at += 1
    name = " ".join(words[at:]).strip().replace("\\", "/")
    if not name:
        raise WordError("it names no file")
    return name


def _is_value(word: str) -> bool:
    """Whether a word is the value of an option: a number or a switch."""
    try:
        float(word)
    except ValueError:
        return word in ("on", "off", "r", "g", "b", "m", "l", "z", "")
    return True
