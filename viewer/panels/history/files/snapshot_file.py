"""Snapshots as files, `NAME.snapshot.hu`: Humon, with the rows of its tables as lines of texts.

A table is a list of texts of many lines; a line is a row of whole numbers, which costs a tenth of a node for
each number. A line of `places` ends with numbers of its requesters and its name as JSON, one of `rows`, which
are those of the plans that hold no memory, is a digest and a name. What is read is believed only after every
check of `read_snapshot`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from json.encoder import encode_basestring
from pathlib import Path

import numpy as np

from engine.humon import write
from engine.humon.saving import write_atomically
from engine.plan.terms.table import Rows
from engine.plan.terms.vocabulary import flag_names
from viewer.panels.history.memory_image import MemoryImage
from viewer.panels.history.row_changes import row_texts
from viewer.panels.history.snapshots import Snapshot

SUFFIX = ".snapshot.hu"
VERSION = 1
LINES = 16_384
"""Rows in one text: texts are limited in size."""
MAX_WHY = 16
"""Requesters of a key that are written, and a line that counts the others."""


def write_snapshot(path: Path, snapshot: Snapshot) -> None:
    """Write a snapshot whole or not at all. Raises InputError `output.write`."""
    write_atomically(path, snapshot_text(snapshot))


def snapshot_text(snapshot: Snapshot) -> str:
    """The text of a snapshot; the same snapshot gives the same bytes."""
    image, device = snapshot.image, snapshot.image.device
    requesters: dict[str, int] = {}
    rows = (snapshot.rows or {}) if snapshot.plan is None else row_texts(snapshot.plan)
    places = list(_place_lines(image, requesters))
    return write(
        {
            "snapshot": {
                "version": VERSION,
                "name": snapshot.name,
                "scene": snapshot.scene,
                "frame": snapshot.frame,
                "liveBytes": snapshot.live_bytes,
                "objects": dict(snapshot.objects),
                "device": device.name,
                "heaps": [
                    {"size": heap.size, "budget": heap.budget, "deviceLocal": heap.device_local}
                    for heap in device.heaps
                ],
                "memoryTypes": [
                    {"heap": heap, "properties": list(flag_names(properties))}
                    for heap, properties in device.memory_types
                ],
                "allocations": _blocks(_number_lines(image.allocations)),
                "resources": _blocks(_number_lines(image.resources)),
                "requesters": _blocks(map(encode_basestring, requesters)),
                "places": _blocks(places),
                **(
                    {}
                    if rows is None
                    else {"rows": {title: _blocks(_texts(of)) for title, of in rows.items()}}
                ),
            }
        }
    )


def _number_lines(rows: Rows) -> list[str]:
    """Each row as whole numbers, flags as 0 and 1."""
    columns = [rows[name].astype(np.int64).tolist() for name in rows.dtype.names or ()]
    return [" ".join(map(str, row)) for row in zip(*columns, strict=True)]


def _place_lines(image: MemoryImage, requesters: dict[str, int]) -> Iterator[str]:
    """Each place as its numbers, the numbers of its requesters, and its name."""
    keys = image.places["key"].astype(np.int64)
    every = zip(_number_lines(image.places), keys.tolist(), image.names.every_why(keys), strict=True)
    for numbers, key, why in every:
        who = why[: MAX_WHY + 1]
        of = ",".join([str(requesters.setdefault(each, len(requesters))) for each in who]) or "-"
        yield f"{numbers} {of} {encode_basestring(image.names.name(key))}"


def _texts(rows: Mapping[str, str]) -> Iterator[str]:
    """Each row as the digest of what it says, and its name."""
    return (f"{digest} {encode_basestring(name)}" for digest, name in rows.items())


def _blocks(lines: Iterable[str]) -> list[str]:
    every = list(lines)
    return ["\n".join(every[at : at + LINES]) + "\n" for at in range(0, len(every), LINES)]
