"""Opens a device with all validation; the test must cause no message and leave no live object."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from engine.vk.device import Device
from engine.vk.instance import Instance


@contextmanager
def checked_device(*, best_practices: bool = True) -> Iterator[Device]:
    """Yield a device under core, synchronization and best-practice validation.

    On leaving, the test fails on any message and on any object that its owner has not destroyed.
    """
    instance = Instance("diorama tests", validate=True, best_practices=best_practices)
    try:
        assert instance.validation.supported, instance.validation.reason
        device = Device(instance, instance.choose())
        try:
            yield device
        finally:
            leaked = device.close()
    finally:
        instance.close()
    assert not instance.messages.all, "\n".join(map(str, instance.messages.all))
    assert not leaked, "\n".join(map(str, leaked))
    assert instance.handles.left_behind == 0
