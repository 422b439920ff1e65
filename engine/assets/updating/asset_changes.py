"""What has changed in databases, as data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Change(StrEnum):
    """What has become of an asset."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class AssetChange:
    """One asset that is not as before: its database and label, what has become of it, and its bytes.

    One that is broken is drawn in its last good version; `size` is what is transferred of one that has data.
    """

    db: str
    asset: str
    change: Change
    size: int = 0
