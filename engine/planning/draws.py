"""Draw lists: from enabled rows to instances and indirect commands, in numpy.

Rows that share a mesh, a pipeline and a descriptor set are one *batch*, drawn by one indirect
command; batches that share pipeline, set and buffers are one *group*, drawn by one call.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

COMMAND = np.dtype(
    [
        ("index_count", "<u4"),
        ("instance_count", "<u4"),
        ("first_index", "<u4"),
        ("vertex_offset", "<i4"),
        ("first_instance", "<u4"),
    ]
)
"""VkDrawIndexedIndirectCommand."""

BATCH = np.dtype(
    [
        ("pipeline", "<i4"),
        ("descriptors", "<i4"),
        ("vertex_buffer", "<i8"),
        ("index_buffer", "<i8"),
        ("index_type", "<i4"),
        ("index_count", "<u4"),
        ("first_index", "<u4"),
        ("vertex_offset", "<i4"),
        ("ready", "?"),
    ]
)
"""One batch: pipeline, descriptor set, buffers and index range; `ready` is false until all are resident."""


@dataclass(frozen=True)
class DrawGroup:
    """One indirect draw call: `count` commands from `first`, with pipeline, descriptor set and buffers."""

    pipeline: int
    descriptors: int
    vertex_buffer: int
    index_buffer: int
    index_type: int
    first: int
    count: int


@dataclass(frozen=True)
class DrawList:
    """The draws of a pass: instances uint32[n, 2] (object row, material row), commands, groups."""

    instances: npt.NDArray[np.uint32]
    commands: npt.NDArray[np.void]
    groups: tuple[DrawGroup, ...]

    @property
    def triangles(self) -> int:
        """The number of triangles in one frame."""
        counts = self.commands["index_count"].astype(np.int64) * self.commands["instance_count"]
        return int(counts.sum()) // 3


def build_draws(
    objects: npt.NDArray[np.integer],
    materials: npt.NDArray[np.integer],
    batch_of: npt.NDArray[np.integer],
    batches: npt.NDArray[np.void],
) -> DrawList:
    """Build the draw list of one pass.

    objects, materials and batch_of are columns of the drawn rows; batches is BATCH[m]. Batches that
    are not ready are skipped, so that no undefined memory is read.
    """
    by = ("index_type", "index_buffer", "vertex_buffer", "descriptors", "pipeline")
    sequence = np.lexsort([batches[name] for name in by])
    rank = np.empty(len(batches), np.int64)
    rank[sequence] = np.arange(len(batches))
    counts = np.bincount(batch_of, minlength=len(batches))[sequence] if len(batches) else np.zeros(0, int)
    counts = np.where(batches["ready"][sequence], counts, 0)

    drawn = batches["ready"][batch_of] if len(batches) else np.zeros(0, bool)
    order = np.argsort(rank[batch_of[drawn]], kind="stable")
    instances = np.empty((len(order), 2), np.uint32)
    instances[:, 0] = objects[drawn][order]
    instances[:, 1] = materials[drawn][order]

    used = np.flatnonzero(counts)
    chosen = batches[sequence[used]]
    commands = np.empty(len(used), COMMAND)
    for name in ("index_count", "first_index", "vertex_offset"):
        commands[name] = chosen[name]
    commands["instance_count"] = counts[used]
    commands["first_instance"] = np.cumsum(counts[used]) - counts[used]
    return DrawList(instances, commands, _groups(chosen, by))


def _groups(batches: npt.NDArray[np.void], by: tuple[str, ...]) -> tuple[DrawGroup, ...]:
    """Split sorted batches into runs with equal values of all fields in `by`."""
    if not len(batches):
        return ()
    change = np.zeros(len(batches), bool)
    change[0] = True
    for name in by:
        change[1:] |= batches[name][1:] != batches[name][:-1]
    starts = np.flatnonzero(change)
    ends = np.append(starts[1:], len(batches))
    return tuple(
        DrawGroup(
            int(batches["pipeline"][s]),
            int(batches["descriptors"][s]),
            int(batches["vertex_buffer"][s]),
            int(batches["index_buffer"][s]),
            int(batches["index_type"][s]),
            int(s),
            int(e - s),
        )
        for s, e in zip(starts, ends, strict=True)
    )
