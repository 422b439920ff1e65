"""Device profiles as JSON: `assets/profiles/NAME.json`, written by `python -m engine doctor --record`.

A missing or invalid field raises ProfileError with its path, such as `memoryTypes[1].heap`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from engine.humon import InputError
from engine.humon.files import read_bytes
from engine.humon.json_text import JsonError, read_json, shown
from engine.humon.lines import Lines
from engine.plan.profile.device_profile import (
    OPTIONAL_TEXTURES,
    BufferRule,
    DeviceProfile,
    Heap,
    ImageFact,
    ImageRule,
    Limits,
    MemoryRequirements,
    MemoryType,
    QueueFamily,
)
from engine.plan.requirements.requirements import ImageShape
from engine.plan.terms.errors import ProfileError
from engine.plan.terms.formats import Format
from engine.plan.terms.vocabulary import (
    BufferUsage,
    ImageUsage,
    MemoryProperty,
    QueueKind,
    flag_names,
    flags_from_names,
    word,
)
from engine.plan.terms.vulkan_enums import FormatFeature

T = TypeVar("T")

SCHEMA = 1
LARGEST_FILE = 16 << 20
_MAX_INT64 = (1 << 63) - 1
_MAX_BYTES = 1 << 44  # of a heap or image; leaves headroom in int64 for products and sums
_MAX_ALIGNMENT = 1 << 32
_TYPE_BITS = (1 << 32) - 1


def read_profile(path: Path) -> DeviceProfile:
    """The profile in a JSON file; ProfileError names the file and the invalid field."""
    try:
        return profile_from_json(read_bytes(path, str(path), LARGEST_FILE).decode("utf-8"))
    except InputError as error:
        problem = f"{path}: {error.problems[0].message}"
        raise ProfileError("profile.file", problem, "give the name or file of a recorded profile") from None
    except UnicodeDecodeError as error:
        problem = f"{path}: not UTF-8 text at byte {error.start}"
        raise ProfileError("profile.file", problem, "record the profile again") from None
    except ProfileError as error:
        raise ProfileError(error.code, f"{path}: {error.problem}", error.help) from None


def profile_from_json(text: str) -> DeviceProfile:
    """Parse a profile from JSON text; ProfileError names the invalid field."""
    try:
        value = read_json(text)
    except JsonError as error:
        where = ""
        if error.offset is not None:
            where = " at line {}, column {}".format(*Lines(text).line_and_column(error.offset))
        raise ProfileError("profile.json", f"the profile is not valid JSON: {error.reason}{where}") from error
    root = _JsonValue(value, "")
    if root.integer("schema") != SCHEMA:
        raise ProfileError("profile.schema", f"schema is not {SCHEMA}", "record the profile again")
    heaps = tuple(Heap(h.integer("size", _MAX_BYTES), h.flag("deviceLocal")) for h in root.items("heaps"))
    types = tuple(_memory_type(t, len(heaps)) for t in root.items("memoryTypes"))
    if not 0 < len(types) <= _TYPE_BITS.bit_length():
        raise ProfileError("profile.field", f"memoryTypes has {len(types)} entries; a device has 1 to 32")
    return DeviceProfile(
        name=root.text("name"),
        heaps=heaps,
        memory_types=types,
        queue_families=tuple(_family(f) for f in root.items("queueFamilies")),
        limits=_limits(root.at("limits")),
        buffers=_buffer_rule(root.at("buffers")),
        images=_image_rule(root.at("images")),
        device_type=root.text("type"),
        driver=root.text("driver"),
        api=root.text("api"),
        facts=tuple(_fact(f) for f in root.items("facts")) if "facts" in root.value else (),
        lacks=_lacks(root) if "lacks" in root.value else frozenset(),
        offers=_offers(root.items("formats")) if "formats" in root.value else {},
    )


def profile_to_json(profile: DeviceProfile) -> str:
    """The JSON text of a profile: fixed field order, the same bytes each time. Budgets are not written."""
    value = {
        "schema": SCHEMA,
        "name": profile.name,
        "type": profile.device_type,
        "driver": profile.driver,
        "api": profile.api,
        "heaps": [{"size": h.size, "deviceLocal": h.device_local} for h in profile.heaps],
        "memoryTypes": [
            {"heap": t.heap, "properties": list(flag_names(t.properties))} for t in profile.memory_types
        ],
        "queueFamilies": [
            {
                "kinds": [word(k) for k in sorted(f.kinds)],
                "count": f.count,
                "imageGranularity": list(f.image_granularity),
            }
            for f in profile.queue_families
        ],
        "limits": {_camel(f.name): getattr(profile.limits, f.name) for f in fields(Limits)},
        "buffers": {
            "typeBits": profile.buffers.type_bits,
            "alignment": profile.buffers.alignment,
            "sizeMultiple": profile.buffers.size_multiple,
            "exact": profile.buffers.exact,
            "usageTypeBits": [
                {"usage": flag_names(BufferUsage(bit))[0], "typeBits": bits}
                for bit, bits in profile.buffers.usage_type_bits
            ],
        },
        "images": {
            **{_camel(f.name): getattr(profile.images, f.name) for f in fields(ImageRule)[:-1]},
            "formatTypeBits": [
                {"format": word(Format(f)), "typeBits": bits} for f, bits in profile.images.format_type_bits
            ],
        },
        **({"lacks": [word(form) for form in sorted(profile.lacks)]} if profile.lacks else {}),
        **(
            {"formats": [_offer_value(*offer) for offer in sorted(profile.offers.items())]}
            if profile.offers
            else {}
        ),
        "facts": [_fact_value(fact) for fact in profile.facts],
    }
    return json.dumps(value, indent=1) + "\n"


class _JsonValue:
    """A JSON value and the path to it; readers raise ProfileError."""

    def __init__(self, value: Any, path: str) -> None:
        self.value = value
        self.path = path

    def at(self, name: str) -> _JsonValue:
        path = f"{self.path}.{name}" if self.path else name
        if not isinstance(self.value, dict):
            raise ProfileError("profile.field", f"{self.path or 'the profile'} is not an object")
        if name not in self.value:
            raise ProfileError("profile.field", f"{path} is missing", "record the profile again")
        return _JsonValue(self.value[name], path)

    def items(self, name: str) -> list[_JsonValue]:
        found = self.at(name)
        if not isinstance(found.value, list):
            raise ProfileError("profile.field", f"{found.path} is not a list")
        return [_JsonValue(v, f"{found.path}[{i}]") for i, v in enumerate(found.value)]

    def integer(self, name: str, maximum: int = _MAX_INT64, minimum: int = 0) -> int:
        return self.at(name).as_integer(maximum, minimum)

    def integers(self, name: str, count: int) -> list[int]:
        found = self.items(name)
        if len(found) != count:
            raise ProfileError("profile.field", f"{self.path}.{name} has {len(found)} entries, not {count}")
        return [each.as_integer() for each in found]

    def as_integer(self, maximum: int = _MAX_INT64, minimum: int = 0) -> int:
        if isinstance(self.value, bool) or not isinstance(self.value, int):
            raise ProfileError("profile.field", f"{self.path} is not an integer: {shown(self.value)}")
        if not minimum <= self.value <= maximum:
            problem = f"{self.path} is {shown(self.value)}, not from {minimum} to {maximum}"
            raise ProfileError("profile.field", problem)
        return self.value

    def alignment(self, name: str) -> int:
        value = self.integer(name, _MAX_ALIGNMENT, 1)
        if value & (value - 1):
            raise ProfileError("profile.field", f"{self.path}.{name} is {value}, not a power of two")
        return value

    def flag(self, name: str) -> bool:
        found = self.at(name)
        if not isinstance(found.value, bool):
            raise ProfileError("profile.field", f"{found.path} is not true or false: {shown(found.value)}")
        return found.value

    def text(self, name: str) -> str:
        found = self.at(name)
        if not isinstance(found.value, str):
            raise ProfileError("profile.field", f"{found.path} is not a string: {shown(found.value)}")
        return found.value

    def parsed(self, name: str, read: Callable[[Any], T]) -> T:
        found = self.at(name)
        try:
            return read(found.value)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise ProfileError(
                "profile.field", f"{found.path} has an unknown value: {shown(found.value)}"
            ) from error


def _memory_type(at: _JsonValue, heaps: int) -> MemoryType:
    heap = at.integer("heap")
    if heap >= heaps:
        raise ProfileError("profile.field", f"{at.path}.heap is {heap}, but there are {heaps} heaps")
    return MemoryType(heap, at.parsed("properties", lambda v: flags_from_names(MemoryProperty, v)))


def _family(at: _JsonValue) -> QueueFamily:
    width, height, depth = at.integers("imageGranularity", 3)
    kinds = at.parsed("kinds", lambda v: frozenset(QueueKind[k.upper()] for k in v))
    return QueueFamily(kinds, at.integer("count"), (width, height, depth))


def _limits(at: _JsonValue) -> Limits:
    values = {}
    for f in fields(Limits):
        name = _camel(f.name)
        is_alignment = f.name.endswith(("_alignment", "_granularity", "_atom_size"))
        values[f.name] = at.alignment(name) if is_alignment else at.integer(name, minimum=1)
    limits = Limits(**values)
    if not limits.framebuffer_sample_counts & 1:
        raise ProfileError(
            "profile.field", f"{at.path}.framebufferSampleCounts lacks 1, which every device supports"
        )
    return limits


def _buffer_rule(at: _JsonValue) -> BufferRule:
    usage_bits = tuple(
        (
            u.parsed("usage", lambda v: int(flags_from_names(BufferUsage, [v]))),
            u.integer("typeBits", _TYPE_BITS),
        )
        for u in at.items("usageTypeBits")
    )
    multiple = at.integer("sizeMultiple", _MAX_ALIGNMENT, 1)
    rule = (at.integer("typeBits", _TYPE_BITS), at.alignment("alignment"), multiple)
    return BufferRule(*rule, usage_bits, at.flag("exact"))


def _image_rule(at: _JsonValue) -> ImageRule:
    bits = tuple(
        (f.parsed("format", lambda v: int(Format[v.upper()])), f.integer("typeBits", _TYPE_BITS))
        for f in at.items("formatTypeBits")
    )
    multiples = ("row_multiple", "row_count", "mip_multiple", "size_multiple")
    return ImageRule(
        type_bits=at.integer("typeBits", _TYPE_BITS),
        alignment=at.alignment("alignment"),
        dedicated_from=at.integer("dedicatedFrom"),
        format_type_bits=bits,
        **{name: at.integer(_camel(name), _MAX_ALIGNMENT, 1) for name in multiples},
    )


def _lacks(root: _JsonValue) -> frozenset[Format]:
    """Return the formats of textures that a device lacks; only those of OPTIONAL_TEXTURES may be named."""
    optional = {word(form): form for form in OPTIONAL_TEXTURES}
    return root.parsed("lacks", lambda names: frozenset(optional[name] for name in names))


def _offers(rows: list[_JsonValue]) -> dict[Format, FormatFeature]:
    """Return what a device does with texels of each format that is listed."""
    return {
        at.parsed("format", lambda name: Format[name.upper()]): at.parsed(
            "features", lambda names: flags_from_names(FormatFeature, names)
        )
        for at in rows
    }


def _offer_value(form: Format, offered: FormatFeature) -> dict[str, Any]:
    return {"format": word(form), "features": list(flag_names(offered))}


def _fact(at: _JsonValue) -> ImageFact:
    width, height = at.integers("dims", 2)
    texel = at.parsed("format", lambda v: Format[v.upper()])
    cube = at.flag("cube") if "cube" in at.value else False
    shape = ImageShape(texel, width, height, at.integer("mipLevels"), at.integer("samples"), cube)
    usage = at.parsed("usages", lambda v: flags_from_names(ImageUsage, v))
    requirements = MemoryRequirements(
        at.integer("size", _MAX_BYTES),
        at.alignment("alignment"),
        at.integer("typeBits", _TYPE_BITS),
        at.flag("requiresDedicated"),
        at.flag("prefersDedicated"),
    )
    return ImageFact(shape, at.integer("layers"), usage, requirements)


def _fact_value(fact: ImageFact) -> dict[str, Any]:
    shape, requirements = fact.shape, fact.requirements
    return {
        "format": word(shape.format),
        "dims": [shape.width, shape.height],
        "mipLevels": shape.mip_levels,
        "samples": shape.samples,
        **({"cube": True} if shape.cube else {}),
        "layers": fact.layers,
        "usages": list(flag_names(fact.usage)),
        "size": requirements.size,
        "alignment": requirements.alignment,
        "typeBits": requirements.type_bits,
        "requiresDedicated": requirements.requires_dedicated,
        "prefersDedicated": requirements.prefers_dedicated,
    }


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part.upper() if part[0].isdigit() else part.capitalize() for part in tail)
