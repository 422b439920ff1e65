"""Recorded device profiles by name, for tests that run over all of them."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.plan.profile.device_profile import DeviceProfile


def profile_of(profile: str | Path | DeviceProfile) -> DeviceProfile:
    """Read a profile by name or file, or return the given one. Raises InputError, ProfileError."""
    from engine.cli.profiles import find_profile

    return find_profile(str(profile)) if isinstance(profile, str | Path) else profile


def profile_names(pattern: str = "*") -> list[str]:
    """Return the names of the recorded profiles that match a shell pattern, sorted."""
    from engine.assets import data_root

    folder = data_root() / "assets" / "profiles"
    return sorted(path.stem for path in folder.glob("*.json") if fnmatchcase(path.stem, pattern))
