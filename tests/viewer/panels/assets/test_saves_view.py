"""What a line says of a save that was shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.assets.updating.asset_changes import AssetChange, Change
from engine.runtime.live_assets import ShownUpdate
from viewer.panels.assets.saves_view import title

BRICK = AssetChange("cube", "texture2d 'brick'", Change.CHANGED, 1 << 20)
MODEL = AssetChange("cube", "model 'brick'", Change.CHANGED)


@pytest.mark.parametrize(
    ("files", "changes", "said"),
    [
        (("brick.png",), (BRICK, MODEL), "brick.png: 2 assets, 1.00 MiB, shown after 212 ms"),
        (("a.png", "b.png"), (BRICK,), "2 files: 1 asset, 1.00 MiB, shown after 212 ms"),
        (("scene.hu",), (), "scene.hu: nothing differs, shown after 212 ms"),
        ((), (), "cooked again: nothing differs, shown after 212 ms"),
    ],
)
def test_a_save_is_said_in_a_line(
    files: tuple[str, ...], changes: tuple[AssetChange, ...], said: str
) -> None:
    assert title(ShownUpdate(tuple(map(Path, files)), changes, 0.0, 1.0, 212.4, 140.0)) == said
