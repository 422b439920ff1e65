"""Bounds of staging: alignment and slack of what is staged, and the least that an asset needs to arrive."""

from __future__ import annotations

from collections.abc import Iterable
from math import lcm

from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.requirements.requirements import ImageShape
from engine.plan.requirements.shapes import mip_levels
from engine.plan.terms.policy import Policy
from engine.plan.terms.vocabulary import QueueKind

RUN_ALIGNMENT = 16


def image_alignment(shape: ImageShape, optimal: int) -> int:
    """Alignment of an image's bytes in staging: rule 10's texel block and 4, and what the device likes."""
    return lcm(shape.format.info.block_bytes, 4, optimal)


def image_slack(shape: ImageShape, optimal: int) -> int:
    """Bytes of staging that a piece of an image may take beside its own, for alignment."""
    return 2 * image_alignment(shape, optimal) + shape.mip_levels * 4 * shape.format.info.block_bytes


def rows_at_once(profile: DeviceProfile, policy: Policy) -> int:
    """Block rows that copies come in: 1, or what the transfer queue wants (rule 11); 0: whole levels only."""
    if not (policy.transfer_queue and profile.has_transfer_queue()):
        return 1
    families = [f for f in profile.queue_families if f.kinds == frozenset({QueueKind.TRANSFER})]
    return min((f.image_granularity[1] for f in families), default=1)


def least_staging(shape: ImageShape, optimal: int, rows: int) -> int:
    """Bytes of staging without which an image of this shape can never come; `rows` as `rows_at_once` says."""
    levels = mip_levels(shape)
    most = max(min(rows * level.row, level.size) if rows else level.size for level in levels)
    return image_slack(shape, optimal) + most


def staging_at_once(
    shapes: Iterable[ImageShape], padding: int, profile: DeviceProfile, policy: Policy
) -> int:
    """Bytes of staging without which one of these images, or buffers with so much padding, can never come."""
    optimal, rows = profile.limits.optimal_buffer_copy_offset_alignment, rows_at_once(profile, policy)
    return max([least_room(padding), *(least_staging(shape, optimal, rows) for shape in shapes)])


def least_room(padding: int) -> int:
    """Bytes of staging without which a buffer with so much padding at its place can never come."""
    return padding + 3 * RUN_ALIGNMENT + 4
