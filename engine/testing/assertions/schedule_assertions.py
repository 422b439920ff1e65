"""Assertions on schedules: bytes uploaded and moved, number of steps, no second upload of an asset."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from engine.testing.assertions.failure_messages import fail
from engine.testing.scene.memory_facts import mib
from engine.testing.scene.schedule_facts import ScheduleFacts

if TYPE_CHECKING:
    from engine.testing.scene.scene import OpenedScene


def assert_schedule(
    scene: OpenedScene | ScheduleFacts,
    *,
    bytes_uploaded: int | None = None,
    bytes_moved: int | None = None,
    max_steps: int | None = None,
    uploads: set[str] | None = None,
) -> None:
    """Assert what the schedule to the current plan does.

    `bytes_uploaded`, `bytes_moved` and `max_steps` are upper limits; `uploads` are the names of all assets
    that it uploads.
    """
    __tracebackhide__ = True
    facts = scene if isinstance(scene, ScheduleFacts) else scene.schedule
    wrong = []
    if bytes_uploaded is not None and facts.bytes_uploaded > bytes_uploaded:
        wrong.append(f"uploads {mib(facts.bytes_uploaded)}, at most {mib(bytes_uploaded)} expected")
    if bytes_moved is not None and facts.bytes_moved > bytes_moved:
        wrong.append(f"moves {mib(facts.bytes_moved)}, at most {mib(bytes_moved)} expected")
    if max_steps is not None and len(facts.steps) > max_steps:
        wrong.append(f"has {len(facts.steps)} steps, at most {max_steps} expected")
    if uploads is not None and set(facts.uploads) != uploads:
        lacks, more = sorted(uploads - set(facts.uploads)), sorted(set(facts.uploads) - uploads)
        wrong += [f"does not upload {', '.join(lacks)}"] if lacks else []
        wrong += [f"uploads {', '.join(more)} too"] if more else []
    if wrong:
        sizes = [f"uploads {name}: {mib(size)}" for name, size in facts.uploads.items()]
        counts = ", ".join(f"{count} {kind}" for kind, count in facts.counts().items()) or "no steps"
        fail("the schedule is not as expected:", wrong, f"its steps: {counts}", sizes)


def assert_no_upload(scene: OpenedScene) -> AbstractContextManager[None]:
    """Assert that a block of code, once settled, has uploaded nothing from a cache."""
    return _NoUpload(scene)


class _NoUpload:
    """A class instead of a generator, so that the traceback of a failure ends at the block."""

    def __init__(self, scene: OpenedScene) -> None:
        self._scene = scene

    def __enter__(self) -> None:
        self._scene.settle()
        self._before, self._first = self._scene.schedule.done, len(self._scene.host.log)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        __tracebackhide__ = True
        if kind is not None:
            return
        self._scene.settle()
        uploaded = self._scene.schedule.done.bytes_uploaded - self._before.bytes_uploaded
        if uploaded:
            log = self._scene.host.log[self._first :] or self._scene.host.log
            names = [f"{name}: {mib(size)}" for upload in log for name, size in upload.items()]
            fail(f"{mib(uploaded)} were uploaded, expected none:", names)
