"""Assets whose sources break while a scene is open: the panel marks them and says why."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.live_scene import live_scene

from engine.assets import AssetRef
from viewer.panels.assets.asset_facts import fact_lines
from viewer.panels.assets.asset_rows import AssetRows

pytestmark = pytest.mark.gpu

ALBEDO = "assets/builtin/material/brick-albedo.png"


def test_an_asset_that_is_drawn_as_it_was_is_marked_and_has_the_reason(tmp_path: Path, root: Path) -> None:
    with live_scene(root, tmp_path) as live:
        good = live.file(ALBEDO).read_bytes()
        library = live.runtime.library
        assert not AssetRows.of(library).broken.any()
        live.file(ALBEDO).write_bytes(good[:100])
        live.until_reported()
        rows = AssetRows.of(library)
        (row,) = rows.broken.nonzero()[0].tolist()
        assert rows.names[row] == "brick-albedo.png"
        ref = AssetRef.from_key(int(rows.keys[row]))
        states = [text for what, text in fact_lines(library, ref) if what == "state"]
        assert len(states) == 1
        assert states[0].startswith("drawn as it was: ")
        live.file(ALBEDO).write_bytes(good)
        live.until(lambda: not live.live.problems)
        assert not AssetRows.of(library).broken.any()
        assert not [text for what, text in fact_lines(library, ref) if what == "state"]
