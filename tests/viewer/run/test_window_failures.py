"""Calls that fail while a window is opened or draws a frame: what there was is released."""

from __future__ import annotations

from typing import Any

import pytest
from support.display import Display
from support.sampling import Sample
from support.window_frames import SMALL, until

from engine.vk.errors import Result
from engine.vk.faults import faults
from viewer.run.scene_opening import opened

pytestmark = pytest.mark.gpu


def test_a_window_that_cannot_be_opened_releases_what_was_opened_of_it(
    display: Display, monkeypatch: pytest.MonkeyPatch, sample: Sample
) -> None:
    from engine.runtime import open_device
    from engine.vk.instance import Instance
    from viewer.run.windowed import WindowFrames

    opened_instances: list[Instance] = []

    def noted(*arguments: Any, **options: Any) -> Instance:
        opened_instances.append(Instance(*arguments, **options))
        return opened_instances[-1]

    monkeypatch.setattr(open_device, "Instance", noted)
    with opened(SMALL) as (scene, library):
        before = faults.calls
        WindowFrames(scene, library, SMALL).close()
        calls = faults.calls - before
        assert calls > 30
        for nth in sample.of(range(1, calls + 1), 6):
            with faults.injected(nth, Result.OUT_OF_HOST_MEMORY) as reported:
                try:
                    WindowFrames(scene, library, SMALL).close()
                except MemoryError:
                    assert reported.hits == 1
    assert [instance.handles.left_behind for instance in opened_instances] == [0] * len(opened_instances)


@pytest.mark.timeout(600)
def test_a_frame_that_fails_halfway_leaves_a_window_that_closes_in_order(
    display: Display, sample: Sample
) -> None:
    from viewer.run.windowed import WindowFrames

    def is_struck(nth: int) -> bool:
        with opened(SMALL) as (scene, library):
            made = WindowFrames(scene, library, SMALL)
            with faults.injected(nth, Result.OUT_OF_HOST_MEMORY) as reported:
                try:
                    until(made, lambda: made.presenter.shown >= 3 and made.runtime.memory.settled, "frames")
                except MemoryError:
                    assert reported.hits == 1
            made.close()
        assert made.runtime.instance.handles.left_behind == 0, f"call {nth}"
        assert [str(message) for message in made.runtime.instance.messages.all] == []
        return reported.hits > 0

    last = next(nth for nth in sample.calls(40) if not is_struck(nth))
    assert last > 80
