"""What the last run of each tableau planned: one small file in the user's cache folder.

    DIOPLAN1, CRC-32 of the rest, then JSON: [[path, device, width, height, bytes], ...], the oldest first

It is input like any other: a damaged or missing file holds nothing, and so does one of another version. Where
the folder cannot be written, or is locked for seconds, nothing is noted.
"""

from __future__ import annotations

import json
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.assets.cache.lock import cache_lock
from engine.assets.cache.stored_values import StoredValueError, fixed, integer, several, text
from engine.assets.roots import user_cache_folder
from engine.files import read_regular, write_whole

if TYPE_CHECKING:
    from engine.runtime.runtime import Runtime

_MAGIC = b"DIOPLAN1"
_HEAD = len(_MAGIC) + 4
_NAME = "last-plans.bin"
_MOST = 1024
"""Most tableaus in the file; those whose last run is the longest ago go first."""

_MOST_BYTES = 8 << 20
_LONGEST_PATH = 4096
_LOCK_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class LastPlan:
    """What a run planned when it was settled last: the device, the size of the picture, all bytes."""

    device: str
    width: int
    height: int
    planned: int


_ROWS = several(fixed(text(_LONGEST_PATH), text(256), integer(1), integer(1), integer(0)), _MOST)


def note_run(runtime: Runtime) -> None:
    """Note what a run has planned, before its runtime is closed; nothing where it was never settled.

    Several scenes in one run are no tableau that is opened again as it was.
    """
    if runtime.settled_plan is not None and len(runtime.scene.parts) == 1:
        _, plan = runtime.settled_plan
        note_plan(runtime.scene.path, LastPlan(runtime.profile.name[:256], *runtime.size, plan.planned_bytes))


def note_plan(scene: Path, plan: LastPlan) -> None:
    """Note what the last run of a scene has planned, beside what other runs have noted."""
    path, key = _path(), _key(scene)
    if path is None or len(key) > _LONGEST_PATH:
        return
    with suppress(OSError, TimeoutError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with cache_lock(path, _LOCK_SECONDS):
            rows = _read(path)
            rows.pop(key, None)
            rows[key] = plan
            # not durable: a file that a power failure damages holds nothing
            write_whole(path, _packed(rows), follow=False, durable=False)


def last_plan(scene: Path) -> LastPlan | None:
    """Return what the last run of a scene has planned, None where no run is known."""
    path = _path()
    return None if path is None else _read(path).get(_key(scene))


def _path() -> Path | None:
    folder = user_cache_folder()
    return None if folder is None else folder / _NAME


def _key(scene: Path) -> str:
    return str(scene).encode("utf-8", "backslashreplace").decode()


def _packed(rows: dict[str, LastPlan]) -> bytes:
    kept = list(rows.items())[-_MOST:]
    listed = [[key, one.device, one.width, one.height, one.planned] for key, one in kept]
    body = json.dumps(listed).encode()
    return _MAGIC + zlib.crc32(body).to_bytes(4, "little") + body


def _read(path: Path) -> dict[str, LastPlan]:
    """Return the plans in a file by the paths of their scenes; none where it is missing or damaged."""
    try:
        content = read_regular(path, _MOST_BYTES, follow=False)
        body = content[_HEAD:]
        if content[:_HEAD] != _MAGIC + zlib.crc32(body).to_bytes(4, "little"):
            return {}
        rows = _ROWS(json.loads(body))
    except (OSError, StoredValueError, ValueError, RecursionError):
        return {}
    return {key: LastPlan(*values) for key, *values in rows}
