"""Groups of needs that may share a resource, and the memory types that each group may use.

Everything here is done once per distinct terms, of which a scene has dozens, never per asset.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import lcm

from engine.plan.model.memory_plan import Sharing
from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.requirements.requirements import ImageShape, QueueUse, Terms
from engine.plan.terms.policy import Policy
from engine.plan.terms.vocabulary import (
    Access,
    BufferUsage,
    Contents,
    Dedicated,
    ImageUsage,
    Kind,
    MemoryProperty,
    QueueKind,
    Stage,
)

_TRANSFER = QueueUse(QueueKind.TRANSFER, Access.TRANSFER_WRITE, Stage.TRANSFER)
_ATTACHMENT = ImageUsage.COLOR_ATTACHMENT | ImageUsage.DEPTH_STENCIL_ATTACHMENT | ImageUsage.INPUT_ATTACHMENT
_OPT_IN = int(MemoryProperty.LAZILY_ALLOCATED | MemoryProperty.PROTECTED)


@dataclass(frozen=True, slots=True)
class Group:
    """Needs with equal groups may share a resource. Buffers that share one OR their usages: `usage` is 0."""

    kind: Kind
    sharing: Sharing
    required: MemoryProperty
    preferred: MemoryProperty
    mapped: bool
    device_address: bool
    shape: ImageShape | None
    usage: int

    @property
    def order(self) -> tuple[object, ...]:
        """A sort key made of values alone, so that plans do not depend on the order of rows."""
        return (
            *(int(self.kind), int(self.sharing), int(self.required), int(self.preferred), self.mapped),
            *(self.device_address, self.shape is not None, self.shape or 0, self.usage),
        )


def planned_terms(terms: Terms, profile: DeviceProfile, policy: Policy) -> Terms:
    """The terms of a need with what the engine adds: transfer usages (rule 13), the use by a transfer queue,
    alignments (rules 7 and 9), and a preference for host-visible memory where uploads need no staging.
    """
    usage = BufferUsage if terms.kind is Kind.BUFFER else ImageUsage
    bits = terms.usage
    if terms.contents is not Contents.UNDEFINED:
        bits |= usage.TRANSFER_DST
    if terms.contents is Contents.CACHE and policy.movable:
        bits |= usage.TRANSFER_SRC
    if terms.contents is Contents.CACHE and policy.transfer_queue and profile.has_transfer_queue():
        terms = terms.with_use(_TRANSFER)
    if terms.contents is Contents.CACHE and policy.elsewhere:
        terms = terms.preferring_device_local()
    alignment, preferred = terms.alignment, terms.preferred
    if terms.kind is Kind.BUFFER:
        limits = profile.limits
        if terms.contents is Contents.CACHE and policy.direct and profile.shares_memory():
            preferred |= MemoryProperty.HOST_VISIBLE | MemoryProperty.HOST_COHERENT
        for mask, required in (
            (BufferUsage.UNIFORM_BUFFER, limits.min_uniform_buffer_offset_alignment),
            (BufferUsage.STORAGE_BUFFER, limits.min_storage_buffer_offset_alignment),
            (
                BufferUsage.UNIFORM_TEXEL_BUFFER | BufferUsage.STORAGE_TEXEL_BUFFER,
                limits.min_texel_buffer_offset_alignment,
            ),
        ):
            if bits & mask:
                alignment = lcm(alignment, required)
        if terms.persistent_map or terms.properties & MemoryProperty.HOST_VISIBLE:
            alignment = lcm(alignment, limits.non_coherent_atom_size)
    return replace(terms, usage=int(bits), alignment=alignment, preferred=preferred)


def group_of(terms: Terms, size: int, policy: Policy) -> Group:
    """The group of a need of `size` bytes with these planned terms."""
    mapped = terms.persistent_map
    address = terms.kind is Kind.BUFFER and bool(terms.usage & BufferUsage.SHADER_DEVICE_ADDRESS)
    staged = terms.contents is Contents.CACHE
    usage = terms.usage
    if terms.kind is Kind.IMAGE:
        cube = terms.shape is not None and terms.shape.cube
        alone = (
            *(not staged, cube, terms.copies > 1, terms.dedicated is Dedicated.YES),
            bool(usage & _ATTACHMENT),
        )
        sharing = Sharing.OWN if any(alone) else Sharing.LAYERS
    elif terms.dedicated is Dedicated.YES or ((terms.dedicated or not staged) and size >= policy.own):
        sharing = Sharing.OWN
    else:
        host = mapped or bool(terms.properties & MemoryProperty.HOST_VISIBLE)
        sharing = Sharing.HOST if host else Sharing.STATIC if staged else Sharing.OTHER
        usage = 0
    return Group(terms.kind, sharing, terms.properties, terms.preferred, mapped, address, terms.shape, usage)


def candidate_types(group: Group, type_bits: int, profile: DeviceProfile) -> tuple[int, ...]:
    """Memory types that satisfy the group, best first: most preferred properties, then fewest extra ones."""
    ranked = []
    required, preferred = int(group.required), int(group.preferred)  # flags of an enum are slow
    requested = required | preferred
    for index, memory_type in enumerate(profile.memory_types):
        has = int(memory_type.properties)
        if not type_bits >> index & 1 or required & ~has or has & _OPT_IN & ~requested:
            continue
        missing = (preferred & ~has).bit_count()
        extra = (has & ~requested).bit_count()
        ranked.append((missing, extra, index))
    return tuple(index for _, _, index in sorted(ranked))
