"""Lets scenes that share a device take over the pipelines of those that were closed before.

A pipeline takes 10 ms of CPU to make and most scenes of tests have the same ones. A scene gives its pipelines
back as it is closed, when nothing is in flight; what it retires before is destroyed as ever. Each belongs to
one scene at a time, and counts as live only there. Tests that count calls of Vulkan, or have some fail, make
their own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

from engine.render.pipelines import pipelines
from engine.render.pipelines.pipeline_description import create_pipeline
from engine.render.pipelines.pipelines import Pipelines
from engine.testing.scene import shared_devices
from engine.vk.binding import NULL, ffi
from engine.vk.device import Device
from engine.vk.faults import faults

Key = tuple[Any, tuple[bytes, ...]]
"""What a pipeline is made from: its description, and the SPIR-V of its stages."""

_made: dict[Device, dict[int, Key]] = defaultdict(dict)
_idle: dict[Device, dict[Key, list[Any]]] = defaultdict(lambda: defaultdict(list))
_close, _close_device = Pipelines.close, shared_devices._close


class Sharing:
    """Whether the present test takes pipelines over."""

    on = True


def _is_shared(device: Device) -> bool:
    return any(shared.device is device for shared in shared_devices._open.values()) and not device.lost


def _taken(device: Device, layouts: Any, described: Any, code: Any, *, name: str, **options: Any) -> Any:
    """Take a pipeline that was given back, or make one."""
    if not _is_shared(device):
        return create_pipeline(device, layouts, described, code, name=name, **options)
    key = described, tuple(code)
    if Sharing.on and (idle := _idle[device][key]):
        handle = idle.pop()
        device.handles.add("Pipeline", handle, name)
        device.set_name("Pipeline", handle, name)
        return handle
    handle = create_pipeline(device, layouts, described, code, name=name, **options)
    _made[device][_number(handle)] = key
    return handle


def _give_back(self: Pipelines) -> None:
    """Keep pipelines for the next scene, and destroy the others."""
    device = self._device
    if _is_shared(device):
        for owned in (self._live, self._kept):
            for identity, handle in list(owned.items()):
                key = _made[device].get(_number(handle)) if handle is not None else None
                if key is not None:
                    device.handles.remove("Pipeline", handle)
                    _idle[device][key].append(handle)
                    del owned[identity]
    _close(self)


def _close_with_pipelines(shared: shared_devices.SharedDevice) -> list[str]:
    device = shared.device
    _made.pop(device, None)
    for handles in _idle.pop(device, {}).values():
        for handle in handles:
            if not device.is_disowned:
                device.vk.vkDestroyPipeline(device.handle, handle, NULL)
    return _close_device(shared)


def _number(handle: Any) -> int:
    return int(ffi.cast("uintptr_t", handle))


@pytest.fixture(scope="session", autouse=True)
def shared_pipelines() -> Iterator[None]:
    """Share pipelines in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shared_devices, "_close", _close_with_pipelines)
        patch.setattr(Pipelines, "close", _give_back)
        patch.setattr(pipelines, "create_pipeline", _taken)
        yield
        shared_devices.close_devices()


@pytest.fixture(autouse=True)
def new_pipelines(request: pytest.FixtureRequest) -> Iterator[None]:
    """Have a test make its pipelines if it counts calls, or has some fail."""
    Sharing.on = (
        "faults" not in request.fixturenames and getattr(request.module, "faults", None) is not faults
    )
    yield
    Sharing.on = True
