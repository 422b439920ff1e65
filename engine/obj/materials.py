"""Reads MTL files: the values of materials, with those for metallic-roughness shading."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from engine.humon import Problem
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
_NORMALS = "normal maps are read as `norm`"
_READ = "pictures are read of `map_Kd`, `map_Ke`, `map_Pr`, `map_d` and `norm`"
_UNREAD_MAPS = {
    **dict.fromkeys(("map_Bump", "map_bump", "bump", "disp"), _NORMALS),
    **dict.fromkeys(("map_Ks", "map_Ns", "map_Ka", "decal"), _READ),
    "refl": "what is reflected is the sky of the scene",
}
"""Maps that are not drawn, each with its hint."""

_OPTIONS: Mapping[str, tuple[int, frozenset[float | str]]] = {
    "-s": (3, frozenset()),
    "-o": (3, frozenset()),
    "-t": (3, frozenset({0.0})),
    "-mm": (2, frozenset({0.0, 1.0})),
    "-bm": (1, frozenset({1.0})),
    "-boost": (1, frozenset({0.0})),
    "-texres": (1, frozenset()),
    "-blendu": (1, frozenset({"on"})),
    "-blendv": (1, frozenset({"on"})),
    "-cc": (1, frozenset({"off"})),
    "-clamp": (1, frozenset({"off"})),
    "-imfchan": (1, frozenset()),
    "-type": (1, frozenset()),
}
"""Options of maps: how many values each has at most, and those with which it changes nothing."""

_LARGEST = 1e12


@dataclass(frozen=True, slots=True)
class UvPlace:
    """Where a map reads its picture: at coordinates, which count upwards, times a scale, then moved."""

    scale: tuple[float, float] = (1.0, 1.0)
    offset: tuple[float, float] = (0.0, 0.0)


@dataclass(slots=True)
class ObjMaterial:
    """The values of a material; colours are sRGB.

    `textures` are names of files, `lines` where they stand, and `placed` those that are scaled or moved.
    `is_whole` is whether nothing of it was wrong and left out; `missing` are problems of pictures that are
    not there.
    """

    name: str
    diffuse: tuple[float, float, float] = (0.8, 0.8, 0.8)
    emissive: tuple[float, float, float] = (0.0, 0.0, 0.0)
    alpha: float = 1.0
    roughness: float = 1.0
    metallic: float = 0.0
    ior: float = 1.5
    textures: dict[str, str] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    placed: dict[str, UvPlace] = field(default_factory=dict)
    is_whole: bool = True
    missing: list[Problem] = field(default_factory=list)


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
                current.is_whole = False
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
        file, options = _file(rest)
        what = _MAPS[key]
        place = UvPlace(_pair(options, "-s", 1.0), _pair(options, "-o", 0.0))
        material.textures[what], material.lines[what] = file, number
        material.placed.pop(what, None)
        if place != UvPlace():
            material.placed[what] = place
        for option, values in options.items():
            if _changes(option, values):
                message = f"'{' '.join((option, *values))}' of '{key}' of '{material.name}' is not drawn"
                hint = "options that are drawn are `-s` and `-o`: change the picture instead"
                lines.warn(ObjCode.MATERIAL, message, number, hint)
    elif key in _UNREAD_MAPS:
        message = f"'{key}' of '{material.name}' is not drawn"
        lines.warn(ObjCode.MATERIAL, message, number, _UNREAD_MAPS[key])


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


def _pair(options: Mapping[str, Sequence[str]], name: str, default: float) -> tuple[float, float]:
    """Return the first two numbers of an option. Raises WordError for one that is none."""
    given = options.get(name, ())
    values = [decimal(word, 0, _LARGEST) for word in given[:2]]
    values += [default] * (2 - len(values))
    return values[0], values[1]


def _changes(option: str, values: Sequence[str]) -> bool:
    """Whether an option changes the picture in a way that is not drawn."""
    if option in ("-s", "-o"):
        return False
    _, usual = _OPTIONS.get(option, (0, frozenset()))
    return not values or not all((float(one) if _is_number(one) else one) in usual for one in values)


def _file(text: str) -> tuple[str, dict[str, list[str]]]:
    """Return the name of a map's file, and the options before it, each with its values.

    Options begin with a minus. Raises WordError where there is no name.
    """
    try:
        words = shlex.split(text) if '"' in text else text.split(" ")
    except ValueError:
        raise WordError("a quotation mark in it has no other one") from None
    at = 0
    options: dict[str, list[str]] = {}
    while at < len(words) and (words[at].startswith("-") or not words[at]):
        option = words[at]
        at += 1
        if option:
            values = options[option] = []
            most, _ = _OPTIONS.get(option, (len(words), ()))
            while at < len(words) and len(values) < most and _is_value(words[at]):
                values += [words[at]] if words[at] else []
                at += 1
    name = " ".join(words[at:]).strip().replace("\\", "/")
    if not name:
        raise WordError("it names no file")
    return name, options


def _is_value(word: str) -> bool:
    """Whether a word is the value of an option: a number or a switch."""
    return _is_number(word) or word in ("on", "off", "r", "g", "b", "m", "l", "z", "sphere", "")


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
