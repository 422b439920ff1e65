"""Bounds of staging: alignment and slack of staged bytes, and the least staging size that an asset needs."""

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
    """Alignment of an image's bytes in staging: texel block and 4 (rule 10), and the device's optimal one."""
    return lcm(shape.format.info.block_bytes, 4, optimal)


def image_slack(shape: ImageShape, optimal: int) -> int:
    """The most bytes of staging that the alignment of a piece of an image takes."""
    return 2 * image_alignment(shape, optimal) + len(mip_levels(shape)) * 4 * shape.format.info.block_bytes


def copy_row_granularity(profile: DeviceProfile, policy: Policy) -> int:
    """Granularity of image copies in block rows: 1, or the transfer queue's (rule 11); 0: whole levels."""
    if not (policy.transfer_queue and profile.has_transfer_queue()):
        return 1
    families = [f for f in profile.queue_families if f.kinds == frozenset({QueueKind.TRANSFER})]
    return min((f.image_granularity[1] for f in families), default=1)


def min_image_staging(shape: ImageShape, optimal: int, rows: int) -> int:
    """The least staging size in bytes for an image of this shape; `rows` is `copy_row_granularity`."""
    levels = mip_levels(shape)
    piece = max(min(rows * level.row, level.size) if rows else level.size for level in levels)
    return image_slack(shape, optimal) + piece


def min_staging(shapes: Iterable[ImageShape], padding: int, profile: DeviceProfile, policy: Policy) -> int:
    """The least staging size in bytes for images of these shapes and buffers with up to `padding` bytes."""
    optimal = profile.limits.optimal_buffer_copy_offset_alignment
    rows = copy_row_granularity(profile, policy)
    return max([min_buffer_staging(padding), *(min_image_staging(shape, optimal, rows) for shape in shapes)])


def min_buffer_staging(padding: int) -> int:
    """The least staging size in bytes for a buffer whose footprint has `padding` bytes."""
    return padding + 3 * RUN_ALIGNMENT + 4
