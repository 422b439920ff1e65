"""Opens the Vulkan instance and device of a runtime, as its options ask."""

from __future__ import annotations

from contextlib import ExitStack

from engine.runtime.options import RuntimeOptions
from engine.vk.device import Device
from engine.vk.instance import Instance


def open_device(
    undo: ExitStack, options: RuntimeOptions, instances: list[Instance]
) -> tuple[Instance, Device]:
    """Open an instance, noted in `instances`, and a device; `undo` closes both.

    Raises NoDevice or VulkanError.
    """
    extensions = options.window.extensions if options.window else ()
    instance = Instance(validate=options.validate is not False, extensions=extensions)
    undo.callback(instance.close)
    instances.append(instance)
    swapchain = ("VK_KHR_swapchain",) if options.window else ()
    device = Device(instance, instance.choose(options.device), extensions=swapchain)
    undo.callback(device.close)
    return instance, device
