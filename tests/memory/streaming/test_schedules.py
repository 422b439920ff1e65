"""Schedules of the planner, run on the device: after any interruption every byte is where the plan has it."""

from __future__ import annotations

import pytest
from support.sampling import Sample
from support.schedule_worlds import World, run

from engine.plan.profile.device_profile import DeviceProfile
from engine.vk.device import Device

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize("direct", [False, True], ids=["staged", "direct"])
def test_every_byte_is_uploaded_after_any_interruption(
    device: Device, profile: DeviceProfile, sample: Sample, direct: bool
) -> None:
    for seed in sample.of(range(8), 3):
        assert run(device, profile, seed, 7, direct=direct) == [], seed


def test_uploaded_assets_are_never_uploaded_again(device: Device, profile: DeviceProfile) -> None:
    with World(device, profile, 99) as world:
        keys = list(world.assets)
        world.submit(keys)
        while not world.manager.settled:
            world.frame()
            world.submit(keys)
        assert world.manager.statistics.bytes_uploaded == sum(world.ranges[key][2] for key in keys)
        assert world.wrong(keys) == []
        world.submit([])
        world.manager.settle()
        assert all(world.manager.location(key) is None for key in keys)
