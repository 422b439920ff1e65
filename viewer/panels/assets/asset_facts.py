"""What is known of one asset, as lines of a label and a value with its unit."""

from __future__ import annotations

from collections.abc import Iterator

from engine.assets import AssetLibrary, AssetRef
from engine.assets.cache.facts import (
    AnimationFacts,
    EnvironmentFacts,
    IndicesFacts,
    MorphTargetsFacts,
    SkeletonFacts,
    TextureFacts,
    VerticesFacts,
)
from engine.assets.problems import problem_from_json
from engine.assets.records import Asset, LeftOut, Material, Mesh, Model, Shader
from engine.humon import Problem
from viewer.panels.number_format import bytes_text, count_text

Lines = Iterator[tuple[str, str]]


def fact_lines(library: AssetLibrary, ref: AssetRef) -> Lines:
    """Yield the facts of an asset: (what, value)."""
    record = library.unreplaced(ref)
    source = getattr(record, "source", None)
    if source is not None and not isinstance(source, AssetRef):
        yield "source", f"{source} {getattr(record, 'part', '')}".rstrip()
    for path in getattr(record, "sources", ()):
        yield "source", str(path)
    yield from (("state", f"drawn as it was: {why.message}") for why in why_kept(library, ref))
    if isinstance(record, LeftOut):
        yield "state", "its text is wrong: a placeholder is drawn"
    elif not record.has_data:
        yield from _made_of(library, record)
    elif library.is_broken(ref):
        yield "state", "broken: a placeholder is drawn"
    else:
        yield from _facts(library, ref)


def why_kept(library: AssetLibrary, ref: AssetRef) -> list[Problem]:
    """Return what is wrong with the newest version of an asset that is drawn in an earlier one, if it is."""
    for one in library.current:
        for index in library.still_good(one.db.id):
            if library.kept(one.db.assets[index].ref) == ref:
                entry = one.entries.get(index)
                failed = entry.failure if entry is not None else ()
                found = [problem_from_json(row, one.db.root) for row in failed]
                return found + [one.refused[each] for each in (index,) if each in one.refused]
    return []


def _made_of(library: AssetLibrary, record: Asset) -> Lines:
    def label(ref: AssetRef) -> str:
        return library.unreplaced(ref).label

    if isinstance(record, Model):
        yield "mesh", label(record.mesh)
        yield "material", label(record.material)
    elif isinstance(record, Mesh):
        yield "levels of detail", f"{len(record.lods)}"
        for number, lod in enumerate(record.lods):
            screen = f", from {lod.screen_size:.3g} of the picture's height" if lod.screen_size else ""
            yield f"level {number}", f"{lod.topology}{screen}"
    elif isinstance(record, Material):
        for shader in record.shaders:
            yield "shader", label(shader)
        for slot, texture in record.textures.items():
            yield slot, label(texture)
        for name, values in record.parameters.items():
            yield name, ", ".join(f"{value:g}" for value in values)
        yield "alpha", str(record.alpha_mode)


def _facts(library: AssetLibrary, ref: AssetRef) -> Lines:
    facts = library.facts(ref)
    if isinstance(facts, TextureFacts):
        yield "texels", f"{facts.width} x {facts.height}"
        yield "format", str(facts.format)
        yield "mip levels", f"{facts.mip_levels}"
        yield "texel data", f"{facts.size:,} ({bytes_text(facts.size)})"
    elif isinstance(facts, EnvironmentFacts):
        yield "cube", f"6 x {facts.side} x {facts.side} texels, {count_text(facts.mip_levels, 'level')}"
        yield "texel data", f"{facts.size:,} ({bytes_text(facts.size)})"
    elif isinstance(facts, VerticesFacts):
        yield "vertices", f"{facts.count:,} of {facts.stride} bytes"
        yield "attributes", ", ".join(f"{name} {form}" for name, form in facts.vertex_format)
        size = [high - low for low, high in zip(facts.minimum, facts.maximum, strict=True)]
        yield "size", " x ".join(f"{value:.3g}" for value in size) + " m"
    elif isinstance(facts, IndicesFacts):
        yield "indices", f"{facts.count:,} of {facts.type}, {facts.topology}"
    elif isinstance(facts, SkeletonFacts):
        yield "bones", f"{facts.count:,}"
    elif isinstance(facts, AnimationFacts):
        yield "duration", f"{facts.duration:.3g} s"
        yield "channels", f"{len(facts.channels):,}"
    elif isinstance(facts, MorphTargetsFacts):
        yield "targets", ", ".join(facts.names) or f"{len(facts.weights)}"
    else:
        record = library.unreplaced(ref)
        if isinstance(record, Shader):
            yield "stage", f"{record.stage}, entry point {record.entry_point}"
        yield "code", f"{len(library.read(ref)):,} bytes of SPIR-V"
