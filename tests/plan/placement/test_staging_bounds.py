"""Bounds of staging: what alignment costs, and the least without which an asset could never come."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.cached_needs import DEVICE

from engine.plan.placement.staging_bounds import (
    copy_row_granularity,
    image_alignment,
    image_slack,
    min_buffer_staging,
    min_image_staging,
)
from engine.plan.profile.device_profile import QueueFamily
from engine.plan.requirements.requirements import ImageShape
from engine.plan.terms.formats import Format
from engine.plan.terms.policy import Policy
from engine.plan.terms.vocabulary import QueueKind

RGBA = ImageShape(Format.R8G8B8A8_UNORM, 16, 8, 3)
BYTES = ImageShape(Format.R8_UNORM, 16, 8, 1)


def test_an_image_in_staging_is_aligned_to_its_texels_to_four_and_to_what_the_device_likes():
    assert [image_alignment(BYTES, optimal) for optimal in (1, 2, 64)] == [4, 4, 64]
    assert image_alignment(RGBA, 1) == 4
    assert image_alignment(replace(RGBA, format=Format.R32G32B32A32_SFLOAT), 1) == 16


def test_slack_is_two_alignments_and_four_texels_of_each_level():
    assert image_slack(RGBA, 64) == 2 * 64 + 3 * 4 * 4
    assert image_slack(BYTES, 1) == 2 * 4 + 4


def test_the_least_staging_of_an_image_is_as_many_rows_as_come_at_once_but_no_more_than_a_level():
    slack = image_slack(RGBA, 1)
    assert min_image_staging(RGBA, 1, 1) == slack + 16 * 4
    assert min_image_staging(RGBA, 1, 3) == slack + 3 * 16 * 4
    assert min_image_staging(RGBA, 1, 100) == min_image_staging(RGBA, 1, 0) == slack + 16 * 8 * 4


def test_the_least_room_of_a_buffer_is_its_padding_and_what_runs_may_lose():
    assert min_buffer_staging(0) == 52
    assert min_buffer_staging(100) == 152


@pytest.mark.parametrize(
    ("granularities", "use", "rows"),
    [((), True, 1), ((8,), True, 8), ((8, 4), True, 4), ((8,), False, 1), ((0,), True, 0)],
)
def test_rows_come_in_what_the_transfer_queue_can_copy_where_it_is_used(granularities, use, rows):
    families = [QueueFamily(frozenset({QueueKind.TRANSFER}), 1, (99, number, 77)) for number in granularities]
    device = replace(DEVICE, queue_families=(*DEVICE.queue_families, *families), _cache={})
    assert copy_row_granularity(device, Policy(transfer_queue=use)) == rows
