"""A saved shader that many materials include: what frames do until it is drawn with."""

from __future__ import annotations

import os
import re
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from support.limits import limit
from support.textured_cubes import textured_cubes

from engine.assets import AssetRef, open_library
from engine.planning import renewed_tables
from engine.planning.ahead import new_assets
from engine.planning.draw.recipes import Recipes
from engine.runtime import spread_plan
from engine.runtime.live_assets import LiveAssets
from engine.runtime.live_update import LiveUpdate
from engine.runtime.options import RuntimeOptions
from engine.runtime.runtime import Runtime
from engine.runtime.trials.trial_runner import TrialRunner
from engine.scene import load_scene

pytestmark = pytest.mark.gpu
CUBES = 20
SUN = "sun: { euler: [-50 -30 0]  features: [{ @type: light }] }"


@contextmanager
def drawn(root: Path, folder: Path) -> Iterator[tuple[Runtime, LiveAssets, Path]]:
    """Cubes with a material each, and the file that the shaders of all of them include."""
    for part in ("material", "shader"):
        ignored = shutil.ignore_patterns("*.png")
        shutil.copytree(root / "assets/builtin" / part, folder / part, ignore=ignored)
    for number in range(CUBES):
        Image.new("RGB", (4, 4), (200, 100, number)).save(folder / f"t{number}.png")
    text = textured_cubes(CUBES, "t{}.png", more=SUN).replace("builtin:material/", "material/")
    (folder / "scene.hu").write_text(text, encoding="utf-8")
    scene = load_scene(folder / "scene.hu")
    with open_library(scene.dbs) as library:
        options = RuntimeOptions(size=(64, 64), validate=True)
        with Runtime(scene, library, options) as runtime, LiveAssets(runtime) as live:
            while not runtime.frame().settled:
                live.poll()
            assert not live.problems
            yield runtime, live, folder / "material/surface.fs.glsl"
            runtime.wait()
            assert not len(runtime.instance.messages)


def darker(path: Path, part: float) -> None:
    other = path.with_suffix(".tmp")
    text = path.read_text(encoding="utf-8")
    text, count = re.subn(r"([0-9.]+ \* )*sum, cover\)", lambda found: f"{part} * {found[0]}", text)
    assert count == 1
    other.write_text(text, encoding="utf-8")
    os.replace(other, path)


def frames_until_shown(runtime: Runtime, live: LiveAssets) -> int:
    reloads, frames, end = live.reloads, 0, time.monotonic() + limit(60.0)
    while live.reloads == reloads:
        assert time.monotonic() < end, "it is not shown"
        runtime.frame()
        live.poll()
        frames += 1
        time.sleep(0.005)
    return frames


def test_what_draws_the_new_assets_is_learnt_once_for_the_time_after_the_trials(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(spread_plan, "SHARE_MS", 0.0)
    monkeypatch.setattr(spread_plan, "BUSY", 0.0)
    (tmp_path / "project").mkdir()
    learnt: list[int] = []
    by_call: list[int] = []
    batches = Recipes._batches_for
    poll = LiveAssets.poll

    def counted(self: Recipes, drawable: Any) -> Any:
        learnt.append(0)
        return batches(self, drawable)

    def polled(self: LiveAssets) -> Any:
        before = len(learnt)
        found = poll(self)
        by_call.append(len(learnt) - before)
        return found

    run = TrialRunner._run

    def slow(self: TrialRunner, trial: Any) -> Any:
        time.sleep(1.0)
        return run(self, trial)

    with drawn(root, tmp_path / "project") as (runtime, live, shader):
        dark = runtime.read_pixels().mean()
        monkeypatch.setattr(Recipes, "_batches_for", counted)
        monkeypatch.setattr(LiveAssets, "poll", polled)
        monkeypatch.setattr(TrialRunner, "_run", slow)
        darker(shader, 0.5)
        frames = frames_until_shown(runtime, live)
        assert runtime.read_pixels().mean() < dark
    assert sum(by_call) == len(learnt), "a frame itself learns nothing: it would be all at once"
    assert frames > 50, "the trials were waited for"
    passes = max(by_call)
    assert len(learnt) == passes * CUBES, f"{len(learnt)} in {frames} frames"
    assert passes < CUBES, f"{passes} of one call, where it has no time for more than one asset"


def test_the_process_that_tries_shaders_is_kept_for_the_next_save(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "project").mkdir()
    with drawn(root, tmp_path / "project") as (runtime, live, shader):
        begun = runtime.trials.started
        for part in (0.5, 0.6, 0.7):
            darker(shader, part)
            frames_until_shown(runtime, live)
        assert runtime.trials.started == max(begun, 1)


def test_saves_of_a_shader_leave_no_pipeline_and_no_module_behind(root: Path, tmp_path: Path) -> None:
    with drawn(root, tmp_path) as (runtime, live, path):
        runtime.tableau.add_feature("shadowCaster", runtime.tableau["o0"])  # shaders read a map then
        runtime.settle()
        counts = []
        for number in range(24):
            darker(path, 1.0 - number / 64)
            frames_until_shown(runtime, live)
            runtime.settle()
            for _ in range(8):
                runtime.frame()
                live.poll()
            counts.append((runtime.device.handles.counts()["Pipeline"], len(runtime.trials._modules)))
        pipelines, modules = zip(*counts, strict=True)
        assert max(pipelines[12:]) <= max(pipelines[:12])
        assert max(modules[2:]) <= max(modules[:2])


def test_a_saved_shader_requests_nothing_beside_what_is_drawn(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "project").mkdir()
    requested: list[int] = []
    switch = LiveUpdate._switch

    def switched(self: LiveUpdate) -> None:
        requested.append(len(self._arriving.needed))
        switch(self)

    monkeypatch.setattr(LiveUpdate, "_switch", switched)
    with drawn(root, tmp_path / "project") as (runtime, live, shader):
        before = runtime.memory.statistics.bytes_uploaded
        darker(shader, 0.5)
        frames_until_shown(runtime, live)
        assert requested == [0]
        assert runtime.memory.statistics.bytes_uploaded == before
        Image.new("RGB", (8, 8)).save(shader.parents[1] / "t0.png")
        frames_until_shown(runtime, live)
        assert requested == [0, 1], "the texture, not the mesh"


def test_no_frame_learns_all_that_is_drawn_after_many_saves(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(renewed_tables, "MAX_GONE_BATCHES", CUBES // 2)
    (tmp_path / "project").mkdir()
    learnt: list[int] = []
    learn = Recipes.learn

    def noted(self: Recipes, key: int, *, again: bool = False, assumes: bool = False) -> None:
        is_new = again or key not in self._of_asset
        learnt[-1] += is_new
        learn(self, key, again=again, assumes=assumes)

    with drawn(root, tmp_path / "project") as (runtime, live, shader):
        frame = runtime.frame

        def counted() -> Any:
            learnt.append(0)
            found = frame()
            learnt.append(0)  # what polls learn, in what time is left
            return found

        monkeypatch.setattr(Recipes, "learn", noted)
        monkeypatch.setattr(runtime, "frame", counted)
        assert runtime.needs is not None
        tables = set()
        for _ in range(8):
            darker(shader, 0.9)
            frames_until_shown(runtime, live)
            for _ in range(20):
                runtime.frame()
                live.poll()
            assert runtime.needs is not None
            tables |= {id(table) for table in runtime.needs.tables.values()}
            batches = max(len(table.batches) for table in runtime.needs.tables.values())
        assert batches <= 4 * CUBES, "they are made again"
        assert len(tables) > 2
        assert max(learnt[::2]) < CUBES // 2, f"{learnt[::2]} by the frames"


def test_an_object_that_is_given_an_asset_of_a_save_is_not_drawn_with_pipelines_that_are_being_tried(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "project").mkdir()
    allowed = threading.Event()
    run = TrialRunner._run

    def held(self: TrialRunner, trial: Any) -> Any:
        assert allowed.wait(limit(60))
        return run(self, trial)

    with drawn(root, tmp_path / "project") as (runtime, live, shader):
        asset = AssetRef.from_key(runtime.tableau["o0"].visibleModel["asset"])
        before = runtime.read_pixels()
        monkeypatch.setattr(TrialRunner, "_run", held)
        darker(shader, 0.5)
        until = time.monotonic() + limit(60)
        try:
            while not runtime.trials.pending:
                assert time.monotonic() < until
                runtime.frame()
                live.poll()
            for _ in range(10):
                runtime.frame()
                live.poll()
            newest = runtime.library.newest(runtime.library.dbs[asset.db].name, asset.index)
            assert newest != asset
            runtime.tableau["o0"].visibleModel["asset"] = newest.key
            for _ in range(10):
                runtime.frame()
                live.poll()
            recipes = [table.recipes for table in runtime.needs.tables.values()]
            assert any(one.is_replaced(newest.key) for one in recipes)
            used = [(table.recipes, table.in_use.pipelines) for table in runtime.needs.tables.values()]
            assert all(one._is_usable(number) for one, numbers in used for number in numbers.tolist())
        finally:
            allowed.set()
        frames_until_shown(runtime, live)
        dark = runtime.read_pixels()
        assert dark.mean() < before.mean()


def test_the_plan_that_switches_many_assets_is_spread_as_all_of_them_are_known(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "project").mkdir()
    taken: list[str] = []
    switch = LiveUpdate._switch

    def switched(self: LiveUpdate) -> None:
        taken.append("switch")
        switch(self)

    with drawn(root, tmp_path / "project") as (runtime, live, shader):
        take = runtime.take_plan
        monkeypatch.setattr(new_assets, "FEW_ASSETS", CUBES // 4)
        monkeypatch.setattr(LiveUpdate, "_switch", switched)
        monkeypatch.setattr(runtime, "take_plan", lambda *of: (taken.append("spread"), take(*of)))
        darker(shader, 0.5)
        frames_until_shown(runtime, live)
        assert taken[taken.index("switch") :] == ["switch", "spread"]


def test_tables_draw_what_they_drew_while_shaders_are_foreseen_and_a_plan_is_waited_for(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What changes rows and its plan are several frames apart, and another update may come between them."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "project").mkdir()
    with drawn(root, tmp_path / "project") as (runtime, live, shader):
        seen: list[bool] = []
        foresee = LiveUpdate._foresee_shaders

        def noted(self: LiveUpdate) -> Any:
            for number in range(CUBES // 2):  # as a switch before this one would
                runtime.tableau[f"o{number}"].active = False
            found = foresee(self)
            needs = runtime.needs
            assert needs is not None
            seen.extend(table.assets is needs.assets[name] for name, table in needs.tables.items())
            return found

        monkeypatch.setattr(LiveUpdate, "_foresee_shaders", noted)
        darker(shader, 0.5)
        frames_until_shown(runtime, live)
        assert seen
        assert all(seen)
