"""A walk in a window: a texture is saved, a shader breaks, an object moves, an asset is added."""

from __future__ import annotations

import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from support.display import Display
from support.live_scene import UNUSED
from support.window_frames import OPTIONS, hide_panels, listed, on_screen, open_window, settle, until

from engine.live import LiveSources

if TYPE_CHECKING:
    from viewer.run.windowed import WindowFrames

pytestmark = pytest.mark.gpu

ALBEDO = "assets/builtin/material/brick-albedo.png"
SHADER = "assets/builtin/material/surface.fs.glsl"
SCENE, DATABASE = "scenes/cube.hu", "scenes/cube.assets.hu"


def places(frames: WindowFrames) -> dict[int, tuple[int, ...]]:
    """Where each asset lies, by its key; those of buffers of the frame are larger."""
    assert frames.runtime.plan is not None
    rows = frames.runtime.plan.memory.subresources
    columns = [rows[name].tolist() for name in ("key", "resource", "offset", "size")]
    return {key: (*place,) for key, *place in zip(*columns, strict=True) if 0 < key < 1 << 48}


def test_every_save_of_a_walk_shows_on_the_screen(display: Display, tmp_path: Path, root: Path) -> None:
    for name in ("scenes", "assets"):
        shutil.copytree(root / name, tmp_path / name, ignore=UNUSED)
    options = replace(OPTIONS, scene=tmp_path / SCENE, size=(256, 192))
    with open_window(options, settled=False) as frames:
        hide_panels(frames)
        _walk(frames, display, tmp_path)


def test_frames_go_on_without_live_sources_where_watching_them_has_raised(
    display: Display, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def raises(_: LiveSources) -> None:
        raise KeyError("of a thread")

    with open_window(replace(OPTIONS, size=(64, 48)), settled=False) as frames:
        frames.step()
        monkeypatch.setattr(LiveSources, "take", raises)
        for _ in range(3):
            assert frames.step() is not None
    printed = capsys.readouterr().err
    assert printed.count("warning[viewer.callback]: live sources raised and is switched off: KeyError") == 1


def _walk(frames: WindowFrames, display: Display, root: Path) -> None:
    tableau = frames.runtime.tableau
    assert frames._live is not None

    def reloaded(name: str, content: bytes | str) -> np.ndarray:
        """Save a file, draw until that shows, and return the screen."""
        before = frames._live.reloads if frames._live is not None else 0
        path = root / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        until(frames, lambda: frames._live is not None and frames._live.reloads > before, name)
        settle(frames)
        return on_screen(frames, display).astype(int)

    first, lie = on_screen(frames, display).astype(int), places(frames)
    statistics = frames.runtime.memory.statistics
    uploaded, moves = statistics.bytes_uploaded, statistics.moves
    blue = root / "blue.png"
    pixels = np.asarray(Image.open(root / ALBEDO).convert("RGB"))
    Image.fromarray(np.ascontiguousarray(pixels[..., ::-1])).save(blue)
    shown = reloaded(ALBEDO, blue.read_bytes())
    assert (shown[..., 2] - shown[..., 0]).max() > (first[..., 2] - first[..., 0]).max() + 20
    kept = lie.items() & places(frames).items()
    assert len(kept) == len(lie) - 1
    (texture,) = places(frames).keys() - lie.keys()
    assert frames.runtime.memory.statistics.bytes_uploaded - uploaded == places(frames)[texture][2]

    good = (root / SHADER).read_text()
    last = "colour = drawn(sum"
    (root / SHADER).write_text(good.replace(last, last.replace("drawn(", "nonsense(")))
    until(frames, lambda: "surface.fs.glsl" in listed(frames), "a problem")
    until(frames, lambda: "in what was saved" in frames.session.notices.text, "it is said")
    settle(frames)
    assert (on_screen(frames, display) == shown).all()
    dark = reloaded(SHADER, good.replace(last, last.replace("drawn(", "0.2 * drawn(")))
    assert dark.mean() < shown.mean() - 5
    assert abs(reloaded(SHADER, good) - shown).max() <= 1
    until(frames, lambda: "surface.fs.glsl" not in listed(frames), "what is mended goes")

    text = (root / SCENE).read_text()
    moved = reloaded(SCENE, text.replace("translation: [0 0.5 0]", "translation: [0.5 0.5 0]", 1))
    assert tableau["cube"].translation.tolist() == [0.5, 0.5, 0.0]
    assert (moved != shown).any()

    database = (root / DATABASE).read_text().rstrip()
    assert database.endswith("]\n}")
    added = "        { @type: model  name: second  mesh_adbi: 1  material: brick }\n    ]\n}\n"
    (root / DATABASE).write_text(database[: -len("    ]\n}")] + added)
    feature = "{ @type: visibleModel  asset: [assetDb0 second] }"
    extra = f"objects: {{\n        second: {{ translation: [-1 0.5 0]  features: [{feature}] }}\n"
    both = reloaded(SCENE, (root / SCENE).read_text().replace("objects: {", extra, 1))
    until(frames, lambda: "second" in tableau, "the second cube")
    settle(frames)
    both = on_screen(frames, display).astype(int)
    assert (both != moved).any()
    assert kept <= places(frames).items()
    now = frames.runtime.memory.statistics
    assert now.bytes_uploaded - uploaded == places(frames)[texture][2]
    assert now.moves == moves
    assert [problem for problem in frames.runtime.library.problems if problem.code != "asset.unread"] == []


def test_a_file_that_is_written_slowly_has_one_problem_at_a_time_and_none_is_printed(
    display: Display, tmp_path: Path, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("scenes", "assets"):
        shutil.copytree(root / name, tmp_path / name, ignore=UNUSED)
    (tmp_path / "pyproject.toml").touch()
    picture, most, states = tmp_path / ALBEDO, 0, set()
    content = picture.read_bytes()
    with open_window(replace(OPTIONS, scene=tmp_path / SCENE, size=(64, 48)), settled=False) as frames:
        settle(frames)
        for part in range(1, 7):
            picture.write_bytes(content[: len(content) * part // 6])
            end = time.monotonic() + 0.4
            while time.monotonic() < end:
                frames.step()
                there = [one for one in frames.session.statistics.problems if "PNG" in one.message]
                most = max(most, len(there))
                states.update(there)
        until(frames, lambda: not frames.session.statistics.problems, "what is mended goes")
    assert len(states) > 1
    assert most == 1
    assert "error[" not in capsys.readouterr().err
