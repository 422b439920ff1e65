"""Fault injection: failing Vulkan calls, small budgets, lost devices, broken files, slow disks.

A test takes the fixture `faults`. Every fault ends with its `with` block, at the latest with the test. Break
files in a copy only: `faults.copy("scenes/cube.hu")` copies the whole project.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import pytest

    from engine.testing.scene.scene import OpenedScene

_CACHES = "*.ogCache*"


@dataclass
class Calls:
    """How many Vulkan calls a block made, and how many of them failed by injection."""

    made: int = 0
    failed: int = 0


class Faults:
    """The faults of one test, each a context manager or a method that breaks a copied file."""

    def __init__(self, folders: pytest.TempPathFactory) -> None:
        self._folders = folders
        self._undo = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()

    @contextmanager
    def counted_calls(self) -> Iterator[Calls]:
        """Count the Vulkan calls of a block, so that a test can fail each of them in turn."""
        from engine.vk.faults import faults

        calls, before = Calls(), faults.calls
        try:
            yield calls
        finally:
            calls.made = faults.calls - before

    @contextmanager
    def failed_call(
        self, nth: int, result: str = "OUT_OF_DEVICE_MEMORY", *, function: str = "", onwards: bool = False
    ) -> Iterator[Calls]:
        """Make the `nth` Vulkan call of a block (from 1; of `function`, if given) return an error.

        `result` is the name of a VkResult without VK_ERROR_; with `onwards`, all later calls return it too.
        Raises KeyError for an unknown VkResult.
        """
        from engine.vk.errors import Result
        from engine.vk.faults import faults

        calls, before = Calls(), faults.calls
        with faults.injected(nth, Result[result], function=function, onwards=onwards) as reported:
            try:
                yield calls
            finally:
                calls.made, calls.failed = faults.calls - before, reported.hits

    @contextmanager
    def lost_device(self, after: int = 0) -> Iterator[Calls]:
        """Lose the device: after `after` more calls of a block, every call returns DEVICE_LOST."""
        with self.failed_call(after + 1, "DEVICE_LOST", onwards=True) as calls:
            yield calls

    @contextmanager
    def budget(self, scene: OpenedScene, limit: int | dict[int, int]) -> Iterator[None]:
        """Limit every heap of a scene, or the given heaps, to `limit` bytes inside a block."""
        scene.limit_budget(limit)
        try:
            yield
        finally:
            scene.limit_budget({})

    def copy(self, scene: str | os.PathLike[str]) -> Path:
        """Copy a scene's project, without its caches, and return the scene's path in the copy."""
        from engine.assets.roots import PROJECT_FILE, project_root
        from engine.cli.scenes import find_scene

        path = find_scene(Path(scene)).resolve()
        root, into = project_root(path), self._folders.mktemp("project")
        is_whole = os.path.isfile(root / PROJECT_FILE)  # models may be anywhere below it
        own = () if is_whole else path.parent.relative_to(root).parts[:1]
        for folder in {own or (".",), ("assets",)}:
            source = root.joinpath(*folder)
            if os.path.isdir(source):
                ignored = shutil.ignore_patterns(_CACHES)
                shutil.copytree(source, into.joinpath(*folder), ignore=ignored, dirs_exist_ok=True)
        return into / path.relative_to(root)

    def truncate_cache(self, scene: str | os.PathLike[str], keep: float = 0.5) -> list[Path]:
        """Truncate the caches of a scene's databases to a share of their bytes, and return their paths.

        Raises FileNotFoundError if there is none: open the scene once before.
        """
        caches = sorted(Path(scene).parent.glob("*.ogCache"))
        if not caches:
            raise FileNotFoundError(f"no cache beside {scene} to truncate; open the scene once before")
        for cache in caches:
            os.truncate(cache, int(cache.stat().st_size * keep))
        return caches

    @contextmanager
    def half_written(self, path: str | os.PathLike[str], share: float = 0.5) -> Iterator[Path]:
        """Truncate a file to a share of its bytes inside a block, as while an editor saves it."""
        file = Path(path)
        whole = file.read_bytes()
        file.write_bytes(whole[: int(len(whole) * share)])
        try:
            yield file
        finally:
            file.write_bytes(whole)

    @contextmanager
    def slow_disk(self, seconds: float) -> Iterator[None]:
        """Delay every copy out of a cache by `seconds` inside a block."""
        from unittest.mock import patch

        from engine.memory.streaming.fills import Fills

        copy = Fills._copy

        def slowly(fills: Fills, *arguments: Any) -> None:
            time.sleep(seconds)
            copy(fills, *arguments)

        with patch.object(Fills, "_copy", slowly):
            yield
