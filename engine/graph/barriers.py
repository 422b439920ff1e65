"""Barriers between the passes of a frame, from how each uses images and buffers.

Frames share what they draw into, so the first use of a frame waits for the last one of the frame before. Of
two images that change places that was a use of the other one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from engine.graph.images import ImageDecl, Part
from engine.plan.terms.vocabulary import Access, ImageUsage, Stage
from engine.plan.terms.vulkan_enums import Layout

_WRITES = (
    Access.COLOR_ATTACHMENT_WRITE
    | Access.DEPTH_STENCIL_ATTACHMENT_WRITE
    | Access.TRANSFER_WRITE
    | Access.SHADER_WRITE
    | Access.SHADER_STORAGE_WRITE
)


_NO_USAGE = ImageUsage(0)


@dataclass(frozen=True)
class Barrier:
    """One barrier before a pass, of an image (VkImageMemoryBarrier2).

    It is for all of the image, or for `part` alone.
    """

    image: str
    source_stage: Stage
    source_access: Access
    stage: Stage
    access: Access
    old_layout: Layout
    layout: Layout
    part: Part | None = None


@dataclass(frozen=True)
class BufferBarrier:
    """One barrier before a pass, of a buffer (VkBufferMemoryBarrier2)."""

    buffer: str
    source_stage: Stage
    source_access: Access
    stage: Stage
    access: Access


@dataclass(frozen=True)
class Use:
    """How one pass uses a part of an image, or a buffer: that has no layout and no usage."""

    stage: Stage
    access: Access
    layout: Layout = Layout.UNDEFINED
    usage: ImageUsage = _NO_USAGE
    discards: bool = False  # earlier contents are discarded

    def follows(self, last: Use) -> bool:
        """Whether it may come after another use without a barrier: both read alike."""
        writes = bool((self.access | last.access) & _WRITES)
        alike = self.layout is last.layout and not self.stage & ~last.stage and not self.access & ~last.access
        return alike and not writes


Uses = Mapping[Part | str, Use]
"""How one pass uses parts of images, and buffers by name."""


@dataclass(frozen=True)
class _Change:
    """From one use to the next."""

    source_stage: Stage
    source_access: Access
    stage: Stage
    access: Access
    old_layout: Layout
    layout: Layout


def barriers(
    uses: Sequence[Uses],
    images: Mapping[str, ImageDecl],
    other_of: Callable[[Part | str], Part | str] = lambda thing: thing,
) -> Iterator[tuple[tuple[Barrier, ...], tuple[BufferBarrier, ...]]]:
    """Yield the barriers before each step. Reads that follow each other in one layout have one barrier.

    `other_of` returns what a part of an image was in the frame before: the same, unless two change places.
    """
    groups = {thing: _groups(thing, uses) for step in uses for thing in step}
    before: list[dict[Part | str, _Change]] = [{} for _ in uses]
    for thing, own in groups.items():
        _add_changes(thing, own, groups[other_of(thing)][-1][1], before)
    for step, found in zip(uses, before, strict=True):
        of_images: dict[str, dict[Part, _Change]] = {}
        of_buffers = []
        for thing in step:
            change = found.get(thing)
            if change is None:
                continue
            if isinstance(thing, Part):
                of_images.setdefault(thing.image, {})[thing] = change
            else:
                c = change
                of_buffers.append(BufferBarrier(thing, c.source_stage, c.source_access, c.stage, c.access))
        of_parts = (b for name, parts in of_images.items() for b in _of_image(images[name], parts))
        yield tuple(of_parts), tuple(of_buffers)


def last_uses(uses: Sequence[Uses]) -> dict[Part | str, Use]:
    """Return how each thing is used in the end, which the next frame waits for; several reads are one use."""
    return {thing: _groups(thing, uses)[-1][1] for step in uses for thing in step}


def written(uses: Sequence[Uses]) -> set[Part | str]:
    """Return everything that a step writes."""
    return {thing for step in uses for thing, use in step.items() if use.access & _WRITES}


def _groups(thing: Part | str, uses: Sequence[Uses]) -> list[tuple[int, Use]]:
    """Return the uses of one thing, each with its first step: reads in one layout together."""
    groups: list[tuple[int, Use]] = []
    for number, step in enumerate(uses):
        use = step.get(thing)
        if use is None:
            continue
        if groups and not (use.access | groups[-1][1].access) & _WRITES:
            first, known = groups[-1]
            if known.layout is use.layout:
                together = replace(known, stage=known.stage | use.stage, access=known.access | use.access)
                groups[-1] = first, together
                continue
        groups.append((number, use))
    return groups


def _add_changes(
    thing: Part | str,
    groups: Sequence[tuple[int, Use]],
    last: Use,
    before: Sequence[dict[Part | str, _Change]],
) -> None:
    """Add the changes of one thing to those before each step; `last` is its use before the first."""
    for number, use in groups:
        if not use.follows(last):
            before[number][thing] = _Change(
                last.stage,
                last.access & _WRITES,
                use.stage,
                use.access,
                Layout.UNDEFINED if use.discards else last.layout,
                use.layout,
            )
        last = use


def _of_image(image: ImageDecl, parts: Mapping[Part, _Change]) -> Iterator[Barrier]:
    """Yield one barrier for an image whose parts change alike, else one for each part."""
    changes = list(parts.values())
    if len(changes) == image.layers * image.mip_levels and all(c == changes[0] for c in changes):
        yield _barrier(image.name, changes[0], None)
        return
    for part, change in parts.items():
        yield _barrier(image.name, change, part)


def _barrier(name: str, c: _Change, part: Part | None) -> Barrier:
    return Barrier(name, c.source_stage, c.source_access, c.stage, c.access, c.old_layout, c.layout, part)
