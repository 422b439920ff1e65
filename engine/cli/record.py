"""Records the profile of this machine's device, so that scenes can be planned for it elsewhere."""

from __future__ import annotations

from pathlib import Path


def record_profile(path: Path, device_name: str) -> str:
    """Write the profile of the device whose name contains `device_name`; returns the device's name.

    Raises NoDevice if there is none, InputError if the file cannot be written.
    """
    from engine.humon.saving import write_atomically
    from engine.memory.device.live_profile import live_profile
    from engine.plan.profile.profile_file import profile_to_json
    from engine.plan.profile.profile_recording import recorded
    from engine.vk.device import Device
    from engine.vk.instance import Instance

    with Instance("diorama doctor") as instance, Device(instance, instance.choose(device_name)) as device:
        profile = recorded(live_profile(device))
        write_atomically(path, profile_to_json(profile))
        return profile.name
