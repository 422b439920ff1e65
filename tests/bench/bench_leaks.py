"""Leaks after opening, toggling and closing a scene five hundred times: handles and memory."""

from __future__ import annotations

import gc
from collections.abc import Iterable

import psutil
from harness import Row

from engine.testing import open_scene

TIMES = 500
WARM = 100  # until then caches of the driver, of Python and of the allocator still fill
KIB = 1 << 10
MOST_KIB = 64.0  # a scene: what the driver's own heap does not give back


def rows() -> Iterable[Row]:
    """Handles that outlive their scene, and how far the process has grown since it was warm."""
    left = grown = 0
    for time in range(TIMES):
        left += once()
        if time + 1 == WARM:
            grown = -resident()
    grown += resident()
    yield Row(
        "leaks.handles",
        left,
        "handles",
        f"all of {TIMES} scenes opened, toggled and closed",
        aim="0 after each",
        holds=left == 0,
    )
    yield Row(
        "leaks.memory",
        grown / (TIMES - WARM) / KIB,
        "KiB/scene",
        f"growth of the process over the last {TIMES - WARM} of {TIMES} scenes",
        aim=f"<= {MOST_KIB:g} KiB",
        holds=grown <= MOST_KIB * KIB * (TIMES - WARM),
    )


def once() -> int:
    """Open the cube on a device of its own, toggle, close; how many Vulkan objects are left."""
    scene = open_scene("scenes/cube.hu", size=(64, 64), own_device=True, validate=False)
    with scene:
        scene.frame()
        for active in (False, True):
            scene["cube"].shadowCaster.active = active
            scene.settle()
        scene["cube"].active = False
        scene.frame()
    return sum(scene.host.objects().values())


def resident() -> int:
    """The resident set size of the process in bytes."""
    gc.collect()
    return psutil.Process().memory_info().rss
