"""Schedules of the planner, run on the device: whatever is cut short, every byte is where the plan says."""

from __future__ import annotations

import pytest
from support.schedule_worlds import World, run

from engine.plan.profile.device_profile import DeviceProfile
from engine.vk.device import Device

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize("direct", [False, True], ids=["staged", "direct"])
@pytest.mark.parametrize("seed", range(8))
def test_whatever_is_cut_short_every_byte_arrives(
    device: Device, profile: DeviceProfile, seed: int, direct: bool
) -> None:
    assert run(device, profile, seed, 7, direct=direct) == []


def test_what_has_arrived_is_never_fetched_again(device: Device, profile: DeviceProfile) -> None:
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
