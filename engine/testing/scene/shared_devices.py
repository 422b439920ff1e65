"""One device for a run of tests: opened once, lent to scenes, and found as it was when it comes back."""

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
    """A device that scenes share, with the objects that lived on it before any of them was opened.

    One that is `retired` is lent to nobody else, and closed when its last user gives it back.
    """

    device: Device
    base: Counter[str]
    key: tuple[str, bool]
    users: int = 0
    retired: bool = False


@dataclass(eq=False)
class Lease:
    """One scene's use of a device; `give_back` checks that nothing of the scene stays."""

    shared: SharedDevice
    first_message: int = field(init=False)

    def __post_init__(self) -> None:
        self.first_message = len(self.shared.device.instance.messages)
        self.shared.users += 1

    @property
    def device(self) -> Device:
        """The device itself."""
        return self.shared.device

    @property
    def messages(self) -> tuple[str, ...]:
        """What the validation layers have said since it was lent."""
        return tuple(str(message) for message in self.device.instance.messages.all[self.first_message :])

    def give_back(self) -> list[str]:
        """Part with the device, and return what the last of its users left behind, a line each.

        A device that was lost, or on which something was left, is not lent again.
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


def lend(name: str, validate: bool, *, own: bool = False) -> Lease:
    """Lend the device whose name holds `name`, opening it if need be; with `own` to nobody else.

    Raises NoDevice, VulkanError; AssertionError where opening failed and left something behind.
    """
    key = (name, validate)
    if own:
        return Lease(_open_device(key, retired=True))
    shared = _open.get(key)
    if shared is None or shared.device.lost:
        if not _open:
            atexit.register(close_devices)
        shared = _open[key] = _open_device(key)
    return Lease(shared)


def left_behind(shared: SharedDevice) -> list[str]:
    """List the objects that live on a device beyond those that did before it was lent."""
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
    """Close every shared device that no scene uses; the next scene opens its own anew."""
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
    """Close a device and its instance, once, and return what lived on them still."""
    instance = shared.device.instance
    try:
        shared.device.close()
    finally:
        instance.close()
    return _alive(instance)


def _alive(instance: Instance) -> list[str]:
    return [str(entry) for entry in (*instance.handles.live(), *instance.handles.leaks)]
