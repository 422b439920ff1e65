"""How long the images and buffers of a frame are in use, and how: what their requirements follow from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from engine.graph.barriers import Uses
from engine.graph.buffers import BufferDecl, BufferRole
from engine.graph.images import ImageDecl, Part
from engine.graph.passes import Pass
from engine.plan.terms.vocabulary import BufferUsage, ImageUsage, Stage

_USAGES = {
    BufferRole.SHADER: BufferUsage.STORAGE_BUFFER,
    BufferRole.ARGUMENTS: BufferUsage.INDIRECT_BUFFER,
    BufferRole.INDICES: BufferUsage.INDEX_BUFFER,
}


@dataclass(frozen=True)
class ImageLifetime:
    """An image of the frame: its declaration, all its usages, and its first and last pass (indices).

    What is in a `kept` image the next frame reads. What is in one that `rests` is read in frames that do not
    draw it, as long as nothing in it has changed.
    """

    image: ImageDecl
    usage: ImageUsage
    first: int
    last: int
    kept: bool = False
    rests: bool = False


@dataclass(frozen=True)
class BufferLifetime:
    """A buffer of the frame: the stages that use it, its first and last pass (indices), its usages."""

    buffer: BufferDecl
    stages: Stage
    first: int
    last: int
    usage: BufferUsage = BufferUsage.STORAGE_BUFFER


def previous_name(image: str) -> str:
    """Return the name of what the last frame has left in an image."""
    return f"{image}.previous"


def other_of(thing: Part | str, kept: Iterable[str]) -> Part | str:
    """Return what a part of an image, or a buffer, was in the last frame: another where two change places.

    `kept` are the names of images that change places with those of the frame before.
    """
    if isinstance(thing, str):
        return thing
    for name in kept:
        previous = previous_name(name)
        if thing.image in (name, previous):
            return thing._replace(image=previous if thing.image == name else name)
    return thing


def lifetimes(
    images: Mapping[str, ImageDecl], uses: Sequence[Uses], kept: Iterable[str]
) -> tuple[ImageLifetime, ...]:
    """Return every image with the OR of its usages and the range of passes that use it.

    Outputs live as long as the frame: they are read after it. So do `kept` images, and each is used as the
    one that it changes places with.
    """
    found: dict[str, ImageLifetime] = {}
    for index, step in enumerate(uses):
        for part, use in step.items():
            if not isinstance(part, Part):
                continue
            name, lifetime = part.image, found.get(part.image)
            if lifetime is None:
                found[name] = ImageLifetime(images[name], use.usage, index, index)
            else:
                found[name] = replace(lifetime, usage=lifetime.usage | use.usage, last=index)
    for part in uses[-1]:
        if isinstance(part, Part):
            found[part.image] = replace(found[part.image], first=0)
    for name in kept:
        pair = found[name], found[previous_name(name)]
        usage = pair[0].usage | pair[1].usage
        for one in pair:
            whole = replace(one, usage=usage, first=0, last=len(uses) - 1, kept=True)
            found[one.image.name] = whole
    return tuple(found[name] for name in sorted(found))


def buffer_lifetimes(passes: Sequence[Pass], uses: Sequence[Uses]) -> tuple[BufferLifetime, ...]:
    """Return every buffer with the range of passes that use it, their stages, and all its usages."""
    found: dict[str, BufferLifetime] = {}
    for index, p in enumerate(passes):
        for use in p.used_buffers():
            name = use.buffer.name
            if name not in uses[index]:
                continue
            known = found.get(name, BufferLifetime(use.buffer, Stage(0), index, index))
            stages, usage = known.stages | uses[index][name].stage, known.usage | _USAGES[use.role]
            found[name] = replace(known, stages=stages, last=index, usage=usage)
    for index, step in enumerate(uses):
        for thing in step:
            if isinstance(thing, str):  # what is drawn among others uses it until these are drawn
                found[thing] = replace(found[thing], last=max(found[thing].last, index))
    return tuple(found[name] for name in sorted(found))
