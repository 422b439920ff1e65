"""Finds what shaders read by name and no feature gives, as problems: it is zero."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from engine.assets import AssetLibrary, AssetRef, ShaderFacts
from engine.graph import PushValue
from engine.humon import Problem, Severity, misspelt
from engine.planning.draw.drawing import Drawing
from engine.planning.draw.frame_layout import frame_members
from engine.planning.draw.recipes import BUILTIN_DB
from engine.planning.draw.shading import ShaderSet

VALUE = "shader.value"


def absent_values(
    library: AssetLibrary, drawings: Iterable[Drawing], given: Collection[str]
) -> Iterator[Problem]:
    """Yield a warning (shader.value) for each value that shaders of a frame read and nobody gives.

    `given` are the names that features and the frame give. What frame.glsl declares is no fault: a scene
    without a light has no light.
    """
    known = {*given, *(member.name for member in frame_members(library))}
    seen: set[tuple[AssetRef, str]] = set()
    for drawing in drawings:
        pushes = drawing.compiled.declaration.pushes
        for shading in drawing.shadings():
            for name in sorted(_read(shading, pushes) - known):
                shader = _reader(library, shading)
                if shader is not None and (shader, name) not in seen:
                    seen.add((shader, name))
                    yield _problem(library, shader, name, known)


def _read(shading: ShaderSet, pushes: Iterable[PushValue]) -> set[str]:
    """Return the names of the values that a shader set reads, of the Frame block and of push constants."""
    found = set(shading.frame.fields) if shading.frame is not None else set()
    if shading.push is not None:
        found.update(push.name for push in pushes if not push.is_given)
    return found


def _reader(library: AssetLibrary, shading: ShaderSet) -> AssetRef | None:
    """Return the last shader of a set that is not built in and reads values of the frame; None for none."""
    own = [ref for ref in shading.shaders if ref.db != BUILTIN_DB]
    for ref in reversed(own):
        facts = library.facts(ref)
        if isinstance(facts, ShaderFacts) and any(row.name == "frame" for row in facts.reflection.bindings):
            return ref
    return own[-1] if own else None


def _problem(library: AssetLibrary, shader: AssetRef, name: str, known: Collection[str]) -> Problem:
    db = library.dbs[shader.db]
    near = misspelt(name, known)
    advice = f"did you mean '{near}'?" if near is not None else "return it from `frame_values` or `views`"
    message = f"{library.record(shader).label} reads '{name}', which no feature gives: it is zero"
    return db.document.problem(VALUE, message, db.node(shader), advice, Severity.WARNING)
