"""Open a scene in a runtime under validation, and hold the test to a silent and complete end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from engine.assets import open_library
from engine.runtime.options import RuntimeOptions
from engine.runtime.runtime import Runtime
from engine.scene import load_scene

ROOT = Path(__file__).resolve().parents[2]
CUBE = ROOT / "scenes" / "cube.hu"


@contextmanager
def running(
    scene: Path = CUBE, *, settings: Sequence[str] = (), size: tuple[int, int] = (320, 240)
) -> Iterator[Runtime]:
    """Yield a settled runtime; on leaving fail on any validation message and on anything left alive."""
    loaded = load_scene(scene)
    for setting in settings:
        loaded.apply_setting(setting)
    with open_library(loaded.dbs) as library:
        runtime = Runtime(loaded, library, RuntimeOptions(size=size, validate=True))
        try:
            runtime.settle()
            runtime.frame()
            yield runtime
        finally:
            runtime.close()
    assert not runtime.instance.messages.all, "\n".join(map(str, runtime.instance.messages.all))
    assert not runtime.instance.handles.leaks, "\n".join(map(str, runtime.instance.handles.leaks))
    assert runtime.instance.handles.left_behind == 0
