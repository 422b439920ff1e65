"""Context: instance, device and extensions in one scope, for code that runs without a scene (seed 001).

with Context([Resources(), DebugUtils()]) as context:
    buffer = context[Resources].allocator.create_buffer(...)
# resources, allocator, device, instance: closed in that order
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from typing import Any, Self, TypeVar

from engine.storage.extensions import Extension
from engine.vk.device import Device
from engine.vk.handles import LiveHandle
from engine.vk.instance import Instance, instance_extensions

E = TypeVar("E", bound=Extension)


class Context:
    """Owns an instance, a device and the extensions that are supported, opened in the order given.

    One that is not supported does not fail: its `support` says why. Raises NoDevice, VulkanError; nothing
    is left behind then.

    Attributes
    ----------
    leaks : tuple of LiveHandle
        What its owners had not destroyed when the context was closed.
    """

    def __init__(
        self,
        extensions: Iterable[Extension] = (),
        application: str = "diorama",
        *,
        device: str = "",
        validate: bool = False,
        best_practices: bool = False,
    ) -> None:
        self.extensions = tuple(extensions)
        self.leaks: tuple[LiveHandle, ...] = ()
        self._undo = ExitStack()
        offered = instance_extensions()
        for extension in self.extensions:
            extension.support = extension.instance_support(offered)
        wanted = [n for e in self.extensions if e.support.supported for n in e.instance_extensions()]
        with ExitStack() as undo:
            self.instance = Instance(
                application, validate=validate, extensions=wanted, best_practices=best_practices
            )
            undo.callback(self.instance.close)
            adapter = self.instance.choose(device)
            for extension in self.extensions:
                if extension.support.supported:
                    extension.support = extension.device_support(adapter)
            usable = [extension for extension in self.extensions if extension.support.supported]
            names = dict.fromkeys(name for extension in usable for name in extension.device_extensions())
            self.device = Device(self.instance, adapter, extensions=names)
            undo.callback(self._close_device)
            for extension in usable:
                undo.callback(extension.close)
                extension.open(self)
            self._undo = undo.pop_all()

    def __getitem__(self, kind: type[E]) -> E:
        """Return the extension of a class; KeyError where the context was made without."""
        for extension in self.extensions:
            if isinstance(extension, kind):
                return extension
        raise KeyError(f"the context was made without {kind.__name__}")

    def close(self) -> None:
        """Close extensions, device and instance, the latest first; once."""
        self._undo.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _close_device(self) -> Any:
        self.leaks = self.device.close()
