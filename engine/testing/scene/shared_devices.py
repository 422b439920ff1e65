"""Devices that the scenes of a test run share: opened once, leased to scenes, checked for leaks on return."""

from __future__ import annotations

import atexit
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.vk.device import Device
    from engine.vk.instance import Instance

SHOWN = 10


@dataclass(eq=False)
class SharedDevice:
    """A device that scenes share; `base` counts the objects that were live before any scene was opened.

    A `retired` device is not leased again, and closed when its last lease ends.
    """

    device: Device
    base: Counter[str]
    key: tuple[str, bool]
    users: int = 0
    retired: bool = False


@dataclass(eq=False)
class Lease:
    """One scene's use of a device; `release` checks that the scene has left nothing on it."""

    shared: SharedDevice
    first_message: int = field(init=False)

    def __post_init__(self) -> None:
        self.first_message = len(self.shared.device.instance.messages)
        self.shared.users += 1

    @property
    def device(self) -> Device:
        """The leased device."""
        return self.shared.device

    @property
    def messages(self) -> tuple[str, ...]:
        """The messages of the validation layers since the lease began."""
        return tuple(str(message) for message in self.device.instance.messages.all[self.first_message :])

    def release(self) -> list[str]:
        """End the lease; the last one of a device returns the objects left behind, one per line.

        A device that was lost, or on which objects were left, is not leased again.
        """
        shared = self.shared
        shared.users -= 1
        if shared.users:
            return []
        left = left_behind(shared)
        if left or shared.device.lost:
            shared.retired = True
        if shared.retired:
            if _open.get(shared.key) is shared:
                del _open[shared.key]
            left = _close(shared) or left
        return left


_open: dict[tuple[str, bool], SharedDevice] = {}


def lease_device(name: str, validate: bool, *, own: bool = False) -> Lease:
    """Lease the device whose name contains `name`, opened if needed; with `own`, one that is not shared.

    Raises NoDevice, VulkanError; AssertionError if opening failed and left objects behind.
    """
    key = (name, validate)
    if own:
        return Lease(_open_device(key, retired=True))
    shared = _open.get(key)
    if shared is None or shared.device.lost or shared.device.is_disowned:
        if not _open:
            atexit.register(close_devices)
        shared = _open[key] = _open_device(key)
    return Lease(shared)


def left_behind(shared: SharedDevice) -> list[str]:
    """List the live objects of a device beyond those from before its first lease."""
    more = Counter(shared.device.handles.counts())
    more.subtract(shared.base)
    found: list[str] = []
    for type_name, count in sorted(more.items()):
        if count > 0:
            newest = shared.device.handles.live(type_name)[-count:]
            found += [str(entry) for entry in newest[:SHOWN]]
            found += [f"and {count - SHOWN} of type {type_name} more"] if count > SHOWN else []
    return found


def close_devices() -> None:
    """Close every shared device without a lease; the next scene opens it again."""
    for key, shared in list(_open.items()):
        if not shared.users:
            del _open[key]
            _close(shared)


def _open_device(key: tuple[str, bool], *, retired: bool = False) -> SharedDevice:
    from engine.vk.device import Device
    from engine.vk.instance import Instance

    name, validate = key
    instance = Instance("diorama testing", validate=validate)
    try:
        device = Device(instance, instance.choose(name))
    except BaseException as error:
        instance.close()
        left = _alive(instance)
        if left:
            raise AssertionError(f"opening a device failed and left behind: {', '.join(left)}") from error
        raise
    return SharedDevice(device, Counter(device.handles.counts()), key, retired=retired)


def _close(shared: SharedDevice) -> list[str]:
    """Close a device and its instance, and return the objects that were still live."""
    instance = shared.device.instance
    try:
        shared.device.close()
    finally:
        instance.close()
    return _alive(instance)


def _alive(instance: Instance) -> list[str]:
    return [str(entry) for entry in (*instance.handles.live(), *instance.handles.leaks)]
