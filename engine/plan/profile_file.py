"""Device profiles as JSON: `assets/profiles/NAME.json`, written by `python -m engine doctor --record`.

A field that is missing or of the wrong kind raises ProfileError with its path, as `memoryTypes[1].heap`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

from engine.plan.errors import ProfileError
from engine.plan.formats import Format
from engine.plan.profile import (
    BufferRule,
    DeviceProfile,
    Heap,
    ImageFact,
    ImageRule,
    Limits,
    MemoryType,
    Needs,
    QueueFamily,
)
from engine.plan.requirements import ImageShape
from engine.plan.vocabulary import (
    BufferUsage,
    ImageUsage,
    MemoryProperty,
    QueueKind,
    flag_names,
    flags_from_names,
    word,
)

SCHEMA = 1
LARGEST_FILE = 16 << 20


def read_profile(path: Path) -> DeviceProfile:
    """The profile in a JSON file; ProfileError names the file, or the field that is wrong."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise ProfileError("profile.file", f"{path}: larger than {LARGEST_FILE} bytes")
        return profile_from_json(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ProfileError(
            "profile.file", f"{path}: {error}", "give a recorded profile's name or file"
        ) from error


def profile_from_json(text: str) -> DeviceProfile:
    """A profile from its JSON text."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ProfileError("profile.json", f"the profile is no JSON: {error}") from error
    root = _At(value, "")
    if root.whole("schema") != SCHEMA:
        raise ProfileError("profile.schema", f"schema is not {SCHEMA}", "record the profile again")
    heaps = tuple(Heap(h.whole("size"), h.flag("deviceLocal")) for h in root.items("heaps"))
    types = tuple(_memory_type(t, len(heaps)) for t in root.items("memoryTypes"))
    if not types:
        raise ProfileError("profile.field", "memoryTypes is empty")
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
    )


def profile_to_json(profile: DeviceProfile) -> str:
    """The JSON text of a profile: sorted as written here, the same bytes each time. Budgets stay out."""
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
        "facts": [_fact_value(fact) for fact in profile.facts],
    }
    return json.dumps(value, indent=1) + "\n"


class _At:
    """A JSON value and the path to it."""

    def __init__(self, value: Any, path: str) -> None:
        self.value = value
        self.path = path

    def at(self, name: str) -> _At:
        path = f"{self.path}.{name}" if self.path else name
        if not isinstance(self.value, dict):
            raise ProfileError("profile.field", f"{self.path or 'the profile'} is no object")
        if name not in self.value:
            raise ProfileError("profile.field", f"{path} is missing", "record the profile again")
        return _At(self.value[name], path)

    def items(self, name: str) -> list[_At]:
        found = self.at(name)
        if not isinstance(found.value, list):
            raise ProfileError("profile.field", f"{found.path} is no list")
        return [_At(v, f"{found.path}[{i}]") for i, v in enumerate(found.value)]

    def whole(self, name: str) -> int:
        found = self.at(name)
        if isinstance(found.value, bool) or not isinstance(found.value, int) or found.value < 0:
            raise ProfileError("profile.field", f"{found.path} is no whole number: {found.value!r}")
        return found.value

    def flag(self, name: str) -> bool:
        found = self.at(name)
        if not isinstance(found.value, bool):
            raise ProfileError("profile.field", f"{found.path} is not true or false: {found.value!r}")
        return found.value

    def text(self, name: str) -> str:
        found = self.at(name)
        if not isinstance(found.value, str):
            raise ProfileError("profile.field", f"{found.path} is no text: {found.value!r}")
        return found.value

    def known(self, name: str, read: Callable[[Any], Any]) -> Any:
        found = self.at(name)
        try:
            return read(found.value)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ProfileError("profile.field", f"{found.path} has an unknown value: {error}") from error


def _memory_type(at: _At, heaps: int) -> MemoryType:
    heap = at.whole("heap")
    if heap >= heaps:
        raise ProfileError("profile.field", f"{at.path}.heap is {heap}, and there are {heaps} heaps")
    return MemoryType(heap, at.known("properties", lambda v: flags_from_names(MemoryProperty, v)))


def _family(at: _At) -> QueueFamily:
    granularity = at.known("imageGranularity", lambda v: (int(v[0]), int(v[1]), int(v[2])))
    kinds = at.known("kinds", lambda v: frozenset(QueueKind[k.upper()] for k in v))
    return QueueFamily(kinds, at.whole("count"), granularity)


def _limits(at: _At) -> Limits:
    limits = Limits(**{f.name: at.whole(_camel(f.name)) for f in fields(Limits)})
    for f in fields(Limits):
        if not getattr(limits, f.name):
            raise ProfileError("profile.field", f"{at.path}.{_camel(f.name)} is 0")
    return limits


def _buffer_rule(at: _At) -> BufferRule:
    usage_bits = tuple(
        (u.known("usage", lambda v: int(flags_from_names(BufferUsage, [v]))), u.whole("typeBits"))
        for u in at.items("usageTypeBits")
    )
    rule = (at.whole("typeBits"), _positive(at, "alignment"), _positive(at, "sizeMultiple"))
    return BufferRule(*rule, usage_bits, at.flag("exact"))


def _image_rule(at: _At) -> ImageRule:
    bits = tuple(
        (f.known("format", lambda v: int(Format[v.upper()])), f.whole("typeBits"))
        for f in at.items("formatTypeBits")
    )
    names = [f.name for f in fields(ImageRule)[:-1]]
    zero = {"type_bits", "dedicated_from"}
    return ImageRule(
        **{n: at.whole(_camel(n)) if n in zero else _positive(at, _camel(n)) for n in names},
        format_type_bits=bits,
    )


def _positive(at: _At, name: str) -> int:
    value = at.whole(name)
    if not value:
        raise ProfileError("profile.field", f"{at.path}.{name} is 0")
    return value


def _fact(at: _At) -> ImageFact:
    dims = at.known("dims", lambda v: (int(v[0]), int(v[1])))
    texel = at.known("format", lambda v: Format[v.upper()])
    shape = ImageShape(texel, dims[0], dims[1], at.whole("mipLevels"), at.whole("samples"))
    usage = at.known("usages", lambda v: flags_from_names(ImageUsage, v))
    needs = Needs(
        at.whole("size"),
        _positive(at, "alignment"),
        at.whole("typeBits"),
        at.flag("requiresDedicated"),
        at.flag("prefersDedicated"),
    )
    return ImageFact(shape, at.whole("layers"), usage, needs)


def _fact_value(fact: ImageFact) -> dict[str, Any]:
    shape, needs = fact.shape, fact.needs
    return {
        "format": word(shape.format),
        "dims": [shape.width, shape.height],
        "mipLevels": shape.mip_levels,
        "samples": shape.samples,
        "layers": fact.layers,
        "usages": list(flag_names(fact.usage)),
        "size": needs.size,
        "alignment": needs.alignment,
        "typeBits": needs.type_bits,
        "requiresDedicated": needs.requires_dedicated,
        "prefersDedicated": needs.prefers_dedicated,
    }


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)
