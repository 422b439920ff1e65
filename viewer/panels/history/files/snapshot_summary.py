"""A snapshot in words, for a terminal: totals, heaps, and the largest keys with who requested them."""

from __future__ import annotations

import numpy as np

from engine.files.streams import printable
from viewer.panels.history.snapshots import Snapshot
from viewer.panels.number_format import bytes_text, count_text

LARGEST = 16
"""Keys that are listed."""


def snapshot_summary(snapshot: Snapshot) -> str:
    """Return the text, ending with a line break."""
    image = snapshot.image
    counts = (
        count_text(len(image.allocations), "allocation"),
        count_text(len(image.resources), "resource"),
        count_text(len(image.places), "block"),
    )
    allocated, used = bytes_text(image.allocated), bytes_text(image.used)
    lines = [
        f"snapshot '{snapshot.name}' of {snapshot.scene}, frame {snapshot.frame:,}, on {image.device.name}",
        f"{allocated} allocated in {', '.join(counts)}; the blocks take {used}",
        f"{bytes_text(snapshot.live_bytes)} live",
    ]
    for number, (heap, used) in enumerate(zip(image.device.heaps, image.heap_bytes().tolist(), strict=True)):
        kind = "device-local" if heap.device_local else "host"
        lines.append(f"heap {number}, {kind}: {bytes_text(used)} of {bytes_text(heap.budget)}")
    order = np.argsort(-image.bytes_of, kind="stable")[:LARGEST]
    if len(order):
        lines.append("largest:")
    for row in order.tolist():
        key = int(image.places["key"][row])
        why = image.names.why(key)
        who = f" ({why[0]}{f' and {len(why) - 1} more' if len(why) > 1 else ''})" if why else ""
        lines.append(f"{bytes_text(int(image.bytes_of[row])):>10}  {image.names.name(key)}{who}")
    return "\n".join(printable(line.replace("\n", " ")) for line in lines) + "\n"
