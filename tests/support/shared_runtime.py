"""Draws scenes of tests on the device that all share: an own one takes 0.2 s of CPU, and all pipelines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from engine.assets import AssetLibrary
from engine.runtime.options import RuntimeOptions
from engine.runtime.runtime import Runtime
from engine.scene import Scene
from engine.testing.scene.shared_devices import lease_device


@contextmanager
def shared_runtime(scene: Scene, library: AssetLibrary, options: RuntimeOptions) -> Iterator[Runtime]:
    """Open a scene on the shared device, which is validated; it must leave nothing there, and no message."""
    lease = lease_device("", True)
    try:
        with Runtime(scene, library, replace(options, shared=lease.device)) as runtime:
            yield runtime
    finally:
        left = lease.release()
    assert left == []
    assert lease.messages == ()
