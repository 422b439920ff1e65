"""A window with a small budget has its interface; what gives way are assets."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.display import Display, environment_of
from support.window_frames import OPTIONS, open_window, settle, until

from engine.plan.terms.vocabulary import Contents

pytestmark = pytest.mark.gpu

# 25 MiB are attachments, 3 MiB atlas and triangles of the interface, 1.3 MiB assets, besides staging.


@pytest.mark.parametrize(("budget", "is_short"), [(28, True), (30, False)])
def test_a_small_budget_leaves_assets_out_and_not_the_interface(
    xvfb: Display,
    tmp_path_factory: pytest.TempPathFactory,
    capsys: pytest.CaptureFixture[str],
    budget: int,
    is_short: bool,
) -> None:
    options = replace(OPTIONS, size=(1280, 720), budget_mib=budget)
    with environment_of(xvfb, tmp_path_factory), open_window(options) as frames:
        settle(frames)
        runtime = frames.runtime
        until(frames, lambda: not frames._ui.is_pending, "all textures of the interface have arrived")
        assert not runtime.planner.stale()
        textures = frames._ui._textures._textures
        assert textures
        assert all(texture.filled for texture in textures.values())
        assert frames._ui.draws > 10
        cached = runtime.plan.terms.with_contents(Contents.CACHE)
        assert cached[runtime.plan.memory.subresources["terms"]].any()
        assert (len(runtime.plan.left_out) > 0) is is_short
    assert "error[" not in capsys.readouterr().err
