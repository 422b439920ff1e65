"""The planner's options; sizes in bytes."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Policy:
    """Options that the requirements leave open; any combination gives a valid plan.

    block: largest VkDeviceMemory that several resources or assets share.
    growth: a new page or block has at least 1/`growth` of the size of all present ones of its kind, where
    there is room. So many small additions in a row make few allocations.
    own: resources of this size and above get an allocation of their own, which is freed with them.
    movable: add TRANSFER_SRC to all staged resources, so that they can be moved without reading caches again.
    alias: attachments whose passes do not overlap in time may share memory.
    staging: largest staging buffer; two are used where one would not hold everything. They are freed once the
    schedule has settled. Larger ones copy no faster, and a driver that pins 64 MiB delays frames by 16 ms.
    window: largest mapped part of a cache, per assetDb.
    direct: keep cached assets in host-visible memory where host and device share their memory: buffers
    then need no staging.
    transfer_queue: use a transfer-only queue where the device has one.
    elsewhere: cached assets may be placed in memory that is not device-local, which is slower.
    sparse: a page of cached assets waits to be returned while less than 1/`sparse` of it is in use and more
    of it is free than additions to its kind may take (`growth`). With 2, a return moves less than it frees.
    rest: frames without steps and without a new plan before waiting pages are returned; what is switched off
    and on again meanwhile is not moved. A plan that does not fit otherwise returns them at once.
    return_bytes: the most bytes that are moved at once to return pages; a larger asset is moved alone.
    return_keys: the most assets that are moved at once to return pages.
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
    sparse: int = 2
    rest: int = 60
    return_bytes: int = 32 * MIB
    return_keys: int = 2048
