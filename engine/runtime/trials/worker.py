"""The program that tries pipelines: `python -m engine.runtime.trials.worker`, which answers on its pipes.

The first request names a device and opens it; every other one is a pipeline with the SPIR-V of its stages. A
driver may crash here, take too long or too much memory: the limits end the process, and its parent goes on.
"""

from __future__ import annotations

import os
import sys
import threading
from math import ceil
from queue import SimpleQueue
from typing import Any, BinaryIO

from engine.files import read_regular
from engine.render.pipelines.pipeline_cache import PipelineCache
from engine.render.pipelines.pipeline_description import PipelineDescription
from engine.runtime.trials.limits import CPU_SECONDS, DATA_BYTES, MAX_BLOB_BYTES
from engine.runtime.trials.messages import read_message, write_message
from engine.runtime.trials.trial_run import try_pipeline
from engine.vk.device import Device
from engine.vk.errors import DeviceLost, OutOfDeviceMemory, VulkanError
from engine.vk.facts import driver_identity
from engine.vk.instance import Instance

_STATUS_BYTES = 1 << 16
Request = tuple[dict[str, Any], list[bytes]]


def main() -> None:
    """Answer requests until the parent closes its pipe or ends."""
    requests, replies = _own_pipes()
    queue: SimpleQueue[Request] = SimpleQueue()
    threading.Thread(target=_receive, args=(requests, queue), daemon=True).start()
    try:
        instance = Instance("diorama trials")
        device = _open(instance, **queue.get()[0])
    except VulkanError as error:
        write_message(replies, {"refused": str(error)})
        return
    write_message(replies, {})
    _limit_memory()
    while True:
        values, code = queue.get()
        _limit_time()
        write_message(replies, *_answer(device, values, code))
        if device.lost:
            os._exit(1)


def _own_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Take over standard input and output, so that nothing that a driver prints is an answer."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    return requests, replies


def _receive(requests: BinaryIO, queue: SimpleQueue[Request]) -> None:
    """Pass requests on; end the process with the pipe, also while a driver compiles."""
    try:
        while True:
            queue.put(read_message(requests))
    finally:
        os._exit(0)


def _open(instance: Instance, identity: str, extensions: list[str]) -> Device:
    """Open the device of this identity with these extensions. Raises VulkanError, NoDevice."""
    adapters = instance.adapters()
    for adapter in adapters:
        if driver_identity(instance, adapter) == identity:
            return Device(instance, adapter, extensions=extensions)
    return Device(instance, instance.choose(identity))  # no name contains it: raises with what there is


def _answer(device: Device, values: dict[str, Any], code: list[bytes]) -> tuple[dict[str, Any], list[bytes]]:
    """Try one pipeline; `passing` marks a failure that another moment may not have."""
    described = PipelineDescription.from_json(values["pipeline"])
    kinds = {(number, binding): kind for number, binding, kind in values["images"]}
    cache = PipelineCache(device, None)
    try:
        try_pipeline(device, described, code, kinds, values["inputs"], cache.handle)
        data = cache.data()
    except DeviceLost as error:
        return {"refused": str(error)}, []
    except VulkanError as error:
        return {"refused": str(error), "passing": isinstance(error, OutOfDeviceMemory)}, []
    finally:
        if not device.lost:
            cache.close()
    return {}, [data] if len(data) <= MAX_BLOB_BYTES else []


def _limit_time() -> None:
    """End the process by a signal once this trial has had its processor time."""
    if sys.platform != "win32":
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF)
        until = ceil(used.ru_utime + used.ru_stime) + CPU_SECONDS
        _lower(resource.RLIMIT_CPU, until)


def _limit_memory() -> None:
    """Let the process take DATA_BYTES of its own from now on; what a driver only reserves does not count."""
    if sys.platform == "linux":
        import resource

        status = read_regular("/proc/self/status", _STATUS_BYTES).decode()
        taken = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmData:"))
        _lower(resource.RLIMIT_DATA, (taken << 10) + DATA_BYTES)
        _lower(resource.RLIMIT_CORE, 0)


def _lower(kind: int, value: int) -> None:
    """Set a soft limit, not above the hard one."""
    import resource

    _, hard = resource.getrlimit(kind)
    limit = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (limit, hard))


if __name__ == "__main__":
    main()
