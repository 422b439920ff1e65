"""Checks that a device can hold what features declare and request, and does with it what they say."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from engine.assets import AssetLibrary, AssetRef
from engine.feature.requirement_builders import FALLBACK_PRIORITY, buffer_requirement, image_requirement
from engine.graph import CompiledGraph, DeclarationError, ImageDecl, Pass, previous_name
from engine.plan.model.refusals import refusal
from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.requirements.requirements import Requirement
from engine.plan.requirements.shapes import tight_bytes
from engine.plan.terms.drawing import Blend
from engine.plan.terms.policy import Policy
from engine.plan.terms.vocabulary import Contents, ImageUsage
from engine.plan.terms.vulkan_enums import FormatFeature


@dataclass(frozen=True)
class Room:
    """What a frame with a picture of `size` texels and so many `samples` must fit: a device."""

    size: tuple[int, int]
    samples: int
    profile: DeviceProfile

    def check(self, graph: CompiledGraph, usual: Collection[str]) -> None:
        """Raise DeclarationError where the device cannot hold an image or a buffer of a frame, or use it so.

        A picture that is itself too large is for the planner to report, and so are `usual` images and buffers
        for which there is not enough memory.
        """
        if max(self.size) > self.profile.limits.max_image_dimension_2d:
            return
        needed = self._needed(graph)
        for (kind, name), requirement in needed.items():
            refused = refusal(requirement.terms(), requirement.size, self.profile, Policy())
            if refused is not None and not (refused.of_memory and name in usual):
                raise DeclarationError(f"the {kind} {name} {refused.problem}", refused.help)
        self._check_sum(needed, usual)
        for compiled in graph.passes:
            self._check_use(compiled.declaration)

    def fits(self, graph: CompiledGraph, usual: Collection[str]) -> bool:
        """Whether there is room for all of a frame."""
        with suppress(DeclarationError):
            self.check(graph, usual)
            return True
        return False

    def _needed(self, graph: CompiledGraph) -> dict[tuple[str, str], Requirement]:
        """Return what images and buffers require, by kind and name."""
        images = {
            ("image", one.image.name): image_requirement(0, one, self.size, self.samples)
            for one in graph.images
        }
        return images | {("buffer", one.buffer.name): buffer_requirement(0, one) for one in graph.buffers}

    def _check_sum(self, needed: Mapping[tuple[str, str], Requirement], usual: Collection[str]) -> None:
        """Raise DeclarationError where all heaps together cannot hold what is there in some pass.

        Not where the `usual` alone would be too much.
        """
        there = sum(self.profile.budget(heap) for heap in range(len(self.profile.heaps)))
        sizes = {key: self._bytes(requirement) for key, requirement in needed.items()}
        if sum(sizes.values()) <= there:
            return
        lifetimes = [one.lifetime for one in needed.values() if one.lifetime is not None]
        for number in range(max((last + 1 for _, last in lifetimes), default=1)):
            live = [
                key
                for key, one in needed.items()
                if one.lifetime is None or one.lifetime[0] <= number <= one.lifetime[1]
            ]
            takes = sum(sizes[key] for key in live)
            if sum(sizes[key] for key in live if key[1] in usual) <= there < takes:
                kind, name = max((key for key in live if key[1] not in usual), key=sizes.__getitem__)
                raise DeclarationError(
                    f"the {kind} {name}, of {sizes[kind, name]} bytes, and others take {takes} bytes at"
                    f" once, more than all heaps allow",
                    f"up to {there} bytes are possible with these budgets",
                )

    def _bytes(self, requirement: Requirement) -> int:
        """Return how many bytes a device takes for an image or a buffer, at least."""
        shape, usage = requirement.shape, int(requirement.usage)
        if shape is None:
            return requirement.size
        layers = shape.layers * requirement.copies
        return self.profile.image_requirements(shape, layers, ImageUsage(usage)).size

    def _check_use(self, p: Pass) -> None:
        """Raise DeclarationError where the device cannot blend into an image, or read it with a filter."""
        blended = [target.image for target in p.color if target.blend is not Blend.OPAQUE]
        self._check_formats(p, "blends into", blended, FormatFeature.COLOR_ATTACHMENT_BLEND)
        plain = (read for read in p.reads if not (read.sampler.nearest or read.sampler.compare))
        filtered = [read.image for read in plain]
        self._check_formats(p, "filters", filtered, FormatFeature.SAMPLED_IMAGE_FILTER_LINEAR)

    def _check_formats(self, p: Pass, does: str, images: Sequence[ImageDecl], feature: FormatFeature) -> None:
        for image in images:
            if not self.profile.does(image.format, feature):
                raise DeclarationError(
                    f"the pass {p.name} {does} {image.name}, and this device does not with"
                    f" {image.format.name}",
                    "use another format, or no filter: Sampler(nearest=True)"
                    if feature is FormatFeature.SAMPLED_IMAGE_FILTER_LINEAR
                    else "use another format, or Blend.OPAQUE",
                )


def names_of(p: Pass) -> Iterator[str]:
    """Yield the names in a frame of the images and buffers that a pass writes or uses."""
    for image in p.written():
        yield from (image.name, f"{image.name}Samples", previous_name(image.name))
    for use in p.used_buffers():
        yield use.buffer.name


class RequestLimits:
    """Checks what features request for assets: that the device can hold it, and what caches have of it."""

    def __init__(self, library: AssetLibrary, profile: DeviceProfile) -> None:
        self._library = library
        self._profile = profile

    def check(self, requested: Requirement) -> None:
        """Raise DeclarationError where a requirement is for no asset, or beyond the device.

        What is cached and too large is for the planner to leave out.
        """
        ref = AssetRef.from_key(requested.key)
        try:
            label = self._library.record(ref).label
        except LookupError:
            raise DeclarationError(
                f"it has a requirement with the key {requested.key}, which no asset has",
                "give the key of an AssetRef",
            ) from None
        name = f"{self._library.dbs[ref.db].name} {label}"
        refused = refusal(requested.terms(), requested.size, self._profile, Policy())
        is_cached = requested.contents is Contents.CACHE
        may_be_left_out = is_cached and requested.priority < FALLBACK_PRIORITY
        if refused is not None and not (may_be_left_out and refused.code == "plan.size"):
            raise DeclarationError(f"{name} as it requests it {refused.problem}", refused.help)
        if is_cached:
            self._check_cached(requested, ref, name)

    def _check_cached(self, requested: Requirement, ref: AssetRef, name: str) -> None:
        """Raise DeclarationError where the cache has other bytes of an asset, or none."""
        try:
            there = self._library.source(ref).size
        except LookupError:
            raise DeclarationError(
                f"it requests {name} from the cache, which has no bytes of it",
                "request what it consists of: its vertices, indices, textures",
            ) from None
        size = requested.size if requested.shape is None else tight_bytes(requested.shape)
        if size != there:
            raise DeclarationError(
                f"it requests {size} bytes of {name}, of which the cache has {there}",
                "take the size from library.source(asset), the shape from library.facts(asset)",
            )
