"""Opening a scene sets the interpreter up for frames that are drawn beside other threads, and undoes it."""

from __future__ import annotations

import gc
import sys

import pytest
from support.scenes import CUBE

from viewer.arguments import Options
from viewer.run.scene_opening import SWITCH_S, opened


def test_a_thread_that_reads_files_lets_frames_go_on_soon_while_a_scene_is_open() -> None:
    before, frozen = sys.getswitchinterval(), gc.get_freeze_count()
    with opened(Options(scene=CUBE)):
        assert sys.getswitchinterval() == pytest.approx(SWITCH_S)
        assert gc.get_freeze_count() > frozen
    assert sys.getswitchinterval() == before
