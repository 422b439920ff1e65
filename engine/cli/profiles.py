"""Device profiles of command lines: found by name, and recorded from this machine's device."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.plan.profile.device_profile import DeviceProfile

DEFAULT_PROFILE = "lavapipe"
"""The recorded profile of commands that name none."""


def find_profile(name: str) -> DeviceProfile:
    """Read a recorded profile, see `profile_path`. Raises InputError `profile.unknown`, and ProfileError."""
    from engine.plan.profile.profile_file import read_profile

    return read_profile(profile_path(name))


def profile_path(name: str) -> Path:
    """Return the file of a profile: a recorded one by name, or a file if it ends in .json or has a folder.

    Raises InputError `profile.unknown` with the nearest known name.
    """
    from engine.assets import data_root
    from engine.humon import InputError, Problem, suggestion

    if name.endswith(".json") or len(Path(name).parts) != 1:
        return Path(name)
    folder = data_root() / "assets" / "profiles"
    known = sorted(path.stem for path in folder.glob("*.json"))
    if name not in known:
        help_text = f"{suggestion(name, known)}; or give a file: --profile FILE.json"
        raise InputError(Problem("profile.unknown", f"there is no recorded profile '{name}'", help=help_text))
    return folder / f"{name}.json"


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
