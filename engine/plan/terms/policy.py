"""What a planner may choose, in one place; sizes in bytes."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Policy:
    """Choices that any valid plan leaves open.

    block: largest VkDeviceMemory that several resources or assets share.
    growth: a page or block that joins others of its kind is at least one in `growth` of them all, where there
    is room. So many small additions, one after another, end in few allocations.
    own: from this size on a resource has an allocation of its own, so that its memory returns with it.
    movable: give TRANSFER_SRC to all that is staged, so that it can be moved without being fetched again.
    alias: attachments whose passes do not overlap in time may share memory.
    staging: largest staging buffer; two are used once one would not hold everything. They go once settled:
    memory that only a transfer needs returns with its end. Larger ones copy no faster, and a driver that pins
    64 MiB holds frames up for 16 ms.
    window: largest part of a cache that is mapped at once, per assetDb.
    direct: keep what comes from caches in memory that the host can write to, where host and device have the
    same memory: then buffers need no staging.
    transfer_queue: use a transfer-only queue where the device has one.
    elsewhere: what comes from caches may lie in memory that is not the device's own, which is slower.
    """

    block: int = 256 * MIB
    growth: int = 32
    own: int = 64 * 1024
    movable: bool = True
    alias: bool = True
    staging: int = 32 * MIB
    window: int = 256 * MIB
    direct: bool = True
    transfer_queue: bool = True
    elsewhere: bool = False
