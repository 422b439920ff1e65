"""What is saved while a scene is drawn shows, whole, and moves nothing else."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support.live_scene import LiveScene, Picture, live_scene
from support.saves import SAVES, by_a_symbolic_link, renamed_over

from engine.assets import AssetRef
from engine.assets.cook import cook_database
from engine.assets.importing import import_recipes
from engine.assets.recipes import Recipe, recipes_of
from engine.assets.records import AssetType
from engine.assets.updating.asset_states import states_of
from engine.live import changes
from engine.scene import load_scene

pytestmark = pytest.mark.gpu

ALBEDO = "assets/builtin/material/brick-albedo.png"
SHADER = "assets/builtin/material/surface.fs.glsl"
LAST = "colour = drawn(sum"
INCLUDE = "assets/builtin/shader/lights.glsl"
MESH = "assets/builtin/mesh/cube.hu"
DATABASE = "scenes/cube.assets.hu"
BLUE = "name: brick  parameters: { baseColor: [0 0 1 1] }\n"
"""In place of the name of the cube's material."""


@pytest.fixture
def live(tmp_path: Path, root: Path) -> Iterator[LiveScene]:
    with live_scene(root, tmp_path) as scene:
        yield scene


def other_colours(path: Path) -> bytes:
    """The bytes of a picture with red and blue exchanged."""
    pixels = np.asarray(Image.open(path).convert("RGB"))
    made = path.with_suffix(".made.png")
    Image.fromarray(np.ascontiguousarray(pixels[..., ::-1])).save(made)
    content = made.read_bytes()
    made.unlink()
    return content


def is_blue(picture: Picture) -> bool:
    """Whether the middle of the cube's picture is blue; it is red before."""
    red, _, blue = picture[26:38, 26:38, :3].reshape(-1, 3).mean(axis=0)
    return bool(blue > red)


def places(live: LiveScene) -> dict[int, tuple[int, ...]]:
    """Where each asset lies: resource, offset and size, by its key."""
    assert live.runtime.plan is not None
    rows = live.runtime.plan.memory.subresources
    columns = [rows[name].tolist() for name in ("key", "resource", "offset", "size")]
    return {key: (*place,) for key, *place in zip(*columns, strict=True) if key > 0}


def test_every_way_to_save_a_texture_shows_it(live: LiveScene) -> None:
    for save in SAVES:
        content = other_colours(live.file(ALBEDO))
        was_blue = is_blue(live.picture())
        save(live.file(ALBEDO), content)
        live.until(lambda before=was_blue: is_blue(live.runtime.read_pixels()) != before)
        assert is_blue(live.picture()) != was_blue, save.__name__


def test_a_saved_texture_moves_and_transfers_nothing_else(live: LiveScene) -> None:
    before, statistics = places(live), live.runtime.memory.statistics
    live.file(ALBEDO).write_bytes(other_colours(live.file(ALBEDO)))
    live.until_reloaded()
    assert is_blue(live.picture())
    now, after = places(live), live.runtime.memory.statistics
    assert now.items() - before.items() == {(key, now[key]) for key in now.keys() - before.keys()}
    assert len(now.keys() - before.keys()) == len(before.keys() - now.keys()) == 1
    (key,) = now.keys() - before.keys()
    assert after.bytes_uploaded - statistics.bytes_uploaded == now[key][2]
    assert after.moves == statistics.moves


def test_a_broken_save_keeps_the_last_good_version_and_the_next_one_is_tried(live: LiveScene) -> None:
    good = live.file(SHADER).read_text()
    assert good.count(LAST) == 1
    dark = good.replace(LAST, LAST.replace("drawn(", "0.1 * drawn("))
    live.file(SHADER).write_text(dark)
    live.until_reloaded()
    picture = live.picture()
    live.file(SHADER).write_text(good.replace(LAST, LAST.replace("drawn(", "nonsense(")))
    live.until_reported()
    assert (live.picture() == picture).all()
    line = next(n for n, text in enumerate(good.splitlines(), 1) if LAST in text)
    places_of = [str(problem.position) for problem in live.problems if problem.code == "shader.compile"]
    assert any(re.search(rf"surface.fs.glsl:{line}:", place) for place in places_of)
    assert "stays as it was" in live.problems[0].message
    live.file(SHADER).write_text(good)
    live.until_reloaded()
    assert live.picture().mean() > picture.mean()
    assert not live.runtime.library.problems


def test_an_include_that_comes_after_the_shader_that_names_it_is_compiled(live: LiveScene) -> None:
    """Also one that is included by the one that came."""
    good, before = live.file(SHADER).read_text(), live.picture()
    assert good.count(LAST) == 1
    dark = good.replace(LAST, LAST.replace("drawn(", "DARK * drawn("))
    live.file(SHADER).write_text(dark.replace("\nvoid main", '\n#include "new/dark.glsl"\nvoid main', 1))
    live.until_reported()
    folder = live.file(SHADER).parent / "new"
    folder.mkdir()
    (folder / "dark.glsl").write_text('#include "darker.glsl"\n')
    live.until_reported()
    assert (live.picture() == before).all()
    (folder / "darker.glsl").write_text("#define DARK 0.1\n")
    live.until_reloaded()
    assert live.picture().mean() < before.mean()
    assert not live.runtime.library.problems


def test_a_mesh_is_drawn_in_one_version_or_the_other(live: LiveScene) -> None:
    """Its vertices and its indices change together: each frame shows the old mesh or the new one."""
    before = live.picture().tobytes()
    text = live.file(MESH).read_text()
    head, _, indices = text.partition("indices:")
    live.file(MESH).write_text(head.replace("0.5", "0.3") + "indices:" + indices)
    reloads = live.live.reloads
    seen = set()
    while live.live.reloads == reloads:
        live.step()
        seen.add(live.runtime.read_pixels().tobytes())
    after = live.picture().tobytes()
    assert after != before
    assert seen == {before, after}


def test_an_include_that_was_a_link_and_is_a_file_again_is_read_where_it_is(live: LiveScene) -> None:
    text, shader = live.file(INCLUDE).read_text(), live.file(SHADER).read_text()
    dark = shader.replace(LAST, LAST.replace("drawn(", "0.5 * drawn("))
    saves = (
        (INCLUDE, by_a_symbolic_link, text.replace("return light.color;", "return 0.5 * light.color;")),
        (SHADER, renamed_over, dark),
        (INCLUDE, renamed_over, text.replace("return light.color;", "return 0.05 * light.color;")),
    )
    for name, save, content in saves:
        before = live.picture().mean()
        save(live.file(name), content.encode())
        live.until_reloaded()
        assert live.picture().mean() < before


def test_an_include_that_is_saved_makes_the_shaders_that_use_it_new(live: LiveScene) -> None:
    before = live.picture()
    text = live.file(INCLUDE).read_text()
    changed = text.replace("return light.color;", "return vec3(0.0);", 1)
    assert changed != text
    live.file(INCLUDE).write_text(changed)
    live.until_reloaded()
    assert live.picture().mean() < before.mean()


def test_a_comment_in_an_include_changes_nothing_that_is_drawn(live: LiveScene) -> None:
    with live.file(INCLUDE).open("a") as file:
        file.write("\n// nothing\n")
    end = time.monotonic() + 2.0
    while time.monotonic() < end:
        live.step()
    assert live.runtime.library.version == 0


def test_a_texture_of_another_size_takes_the_place_of_the_old_one(live: LiveScene) -> None:
    kept = places(live)
    picture = Image.open(live.file(ALBEDO)).convert("RGB").resize((64, 32))
    Image.fromarray(np.ascontiguousarray(np.asarray(picture)[..., ::-1])).save(live.file(ALBEDO))
    live.until_reloaded()
    assert is_blue(live.picture())
    now = places(live)
    gone = kept.keys() - now.keys()
    assert len(gone) == 1
    assert now.items() >= {(key, place) for key, place in kept.items() if key not in gone}


def test_a_parameter_in_the_text_of_a_database_shows(live: LiveScene) -> None:
    text = live.file(DATABASE).read_text()
    changed = text.replace("name: brick\n", BLUE, 1)
    assert changed != text
    live.file(DATABASE).write_text(changed)
    live.until_reloaded()
    assert is_blue(live.picture())


def test_a_source_shows_that_was_saved_with_a_text_that_cannot_be_read(live: LiveScene) -> None:
    text = live.file(DATABASE).read_text()
    live.file(DATABASE).write_text(text.replace("mesh: ", "mush: ", 1))
    renamed_over(live.file(ALBEDO), other_colours(live.file(ALBEDO)))
    live.until_reloaded()
    assert is_blue(live.picture())
    assert live.live.problems


def test_a_database_shows_whose_file_becomes_a_link_and_is_changed_through_it(live: LiveScene) -> None:
    text = live.file(DATABASE).read_text()
    by_a_symbolic_link(live.file(DATABASE), text.replace("name: brick\n", BLUE, 1).encode())
    live.until_reloaded()
    assert is_blue(live.picture())
    live.file(DATABASE).write_text(text)
    live.until_reloaded()
    assert not is_blue(live.picture())


def test_assets_are_made_alike_whatever_was_saved_after_a_text(live: LiveScene) -> None:
    text = live.file(DATABASE).read_text()
    live.file(DATABASE).write_text(text.replace("name: brick\n", BLUE, 1))
    live.until_reloaded()
    renamed_over(live.file(ALBEDO), other_colours(live.file(ALBEDO)))
    live.until_reloaded()
    newest = live.runtime.library.current[1]
    made = {index: recipe.identity for index, recipe in recipes_of(newest.db).items()}
    assert made == {index: entry.identity for index, entry in newest.entries.items()}


def test_a_database_with_an_error_keeps_what_is_drawn_and_is_reported(live: LiveScene) -> None:
    before = live.picture()
    text = live.file(DATABASE).read_text()
    live.file(DATABASE).write_text(text.replace("mesh: ", "mush: ", 1))
    live.until_reported()
    assert (live.picture() == before).all()
    assert any("cube.assets.hu:" in str(problem.position) for problem in live.problems)
    live.file(DATABASE).write_text(text)
    live.until(lambda: not live.live.problems)
    assert (live.picture() == before).all()


def test_what_is_wrong_with_a_text_stays_a_problem_while_others_are_saved(live: LiveScene) -> None:
    scene = live.file("scenes/cube.hu")
    text = scene.read_text()
    scene.write_text(text.replace("objects: {", "objects: [", 1))
    live.until_reported()
    broken = live.live.problems
    assert any("cube.hu:" in str(problem.position) for problem in broken)
    live.file(ALBEDO).write_bytes(other_colours(live.file(ALBEDO)))
    live.until_reloaded()
    assert live.live.problems == broken
    scene.write_text(text)
    live.until(lambda: not live.live.problems)
    reported = len(live.problems)
    scene.write_text(text.replace("objects: {", "objects: [", 1))
    live.until_reported()
    assert len(live.problems) == reported + len(broken), "what comes again is reported again"


@pytest.mark.parametrize("text", ["version: 1\n", "version: 1  tableau: { name: other }\n", "", "\0", "[]"])
def test_a_file_that_loses_its_database_keeps_what_is_drawn_and_is_reported(
    live: LiveScene, text: str
) -> None:
    before, good = live.picture(), live.file(DATABASE).read_text()
    live.file(DATABASE).write_text(text)
    live.until_reported()
    assert (live.picture() == before).all()
    assert any("cube.assets.hu:" in str(problem.position) for problem in live.problems)
    assert len(set(live.problems)) == len(live.problems)
    live.file(DATABASE).write_text(good.replace("name: brick\n", BLUE, 1))
    live.until_reloaded()
    assert is_blue(live.picture())


@pytest.mark.parametrize("error", [OSError("the limit of watches is reached"), RuntimeError("no watches")])
def test_without_reports_of_the_system_a_save_is_found_by_looking(
    error: Exception, tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(changes, "watch", refused)
    monkeypatch.setattr(changes, "RESCAN_S", 0.1)
    with live_scene(root, tmp_path) as live:
        live.file(ALBEDO).write_bytes(other_colours(live.file(ALBEDO)))
        live.until_reloaded()
        assert is_blue(live.picture())


def test_what_was_saved_before_its_files_were_watched_shows(tmp_path: Path, root: Path) -> None:
    albedo = tmp_path / ALBEDO
    with live_scene(root, tmp_path, lambda: albedo.write_bytes(other_colours(albedo))) as live:
        assert not is_blue(live.picture())
        live.until_reloaded()
        assert is_blue(live.picture())


def test_what_was_set_by_hand_stays_and_nothing_is_to_be_saved(live: LiveScene) -> None:
    tableau = live.runtime.tableau
    tableau["cube"].features["shadowCaster"].enabled = False
    live.runtime.scene.save()
    live.file(ALBEDO).write_bytes(other_colours(live.file(ALBEDO)))
    live.until_reloaded()
    assert is_blue(live.picture())
    assert not tableau["cube"].features["shadowCaster"].enabled
    assert not live.runtime.scene.save()


def test_of_saves_in_a_row_the_last_one_is_drawn_in_the_end(live: LiveScene) -> None:
    red, blue = live.file(ALBEDO).read_bytes(), other_colours(live.file(ALBEDO))
    for content in (blue, red) * 4 + (blue,):
        live.file(ALBEDO).write_bytes(content)
        for _ in range(3):
            live.step()
    live.until(lambda: not live.live.pending and is_blue(live.runtime.read_pixels()))
    end = time.monotonic() + 1.0
    while time.monotonic() < end:
        live.step()
    assert is_blue(live.picture())


def test_a_file_that_is_written_for_seconds_is_not_drawn_before_it_is_whole(live: LiveScene) -> None:
    """It pauses for longer than a file must rest, so what is there then is tried, and is broken."""
    content = other_colours(live.file(ALBEDO))
    before, parts = live.picture(), 4
    with live.file(ALBEDO).open("wb", buffering=0) as file:
        for start in range(0, len(content), len(content) // parts + 1):
            assert (live.picture() == before).all()
            file.write(content[start : start + len(content) // parts + 1])
            end = time.monotonic() + 0.4
            while time.monotonic() < end and start + len(content) // parts + 1 < len(content):
                live.step()
    live.until(lambda: is_blue(live.runtime.read_pixels()))
    assert is_blue(live.picture())
    assert not live.runtime.library.problems


def test_when_a_save_is_shown_its_files_assets_and_times_are_known(live: LiveScene) -> None:
    start = time.time()
    live.file(ALBEDO).write_bytes(other_colours(live.file(ALBEDO)))
    live.until_reloaded()
    (shown,) = live.live.shown
    assert shown.files == (live.file(ALBEDO),)
    assert [change.change for change in shown.changes] == ["changed"] * 3
    assert {change.asset.split()[0] for change in shown.changes} == {"texture2d", "material", "model"}
    assert start - 1 <= shown.saved <= shown.shown <= time.time()
    assert 0 < shown.cooked_ms <= shown.milliseconds <= 1e3 * (time.time() - start)
    assert shown.bytes == sum(change.size for change in shown.changes) > 0
    assert is_blue(live.runtime.read_pixels())


def test_a_model_that_is_cooked_again_without_a_save_reads_its_sources_and_moves_nothing(
    live: LiveScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def noted(recipes: list[Recipe], *arguments: Any) -> Any:
        read.extend(recipe.source.name for recipe in recipes)
        return import_recipes(recipes, *arguments)

    monkeypatch.setattr("engine.assets.updating.patch.import_recipes", noted)
    library, uploaded = live.runtime.library, live.runtime.memory.statistics.bytes_uploaded
    number, brick = next(
        (one.db.id, asset)
        for one in library.current[1:]
        for asset in one.db.assets
        if asset.type is AssetType.MODEL
    )
    live.live.cook_again([AssetRef(number, brick.ref.index)])
    live.until_reloaded()
    (shown,) = live.live.shown
    assert (shown.files, shown.changes, shown.bytes) == ((), (), 0)
    assert {"cube.hu", "brick-albedo.png", "brick-normal.png"} <= set(read)
    assert live.runtime.memory.statistics.bytes_uploaded == uploaded


def test_the_cache_is_written_behind_and_holds_what_was_saved(live: LiveScene) -> None:
    number = len(live.runtime.library.dbs)
    live.file(ALBEDO).write_bytes(other_colours(live.file(ALBEDO)))
    live.until_reloaded()
    (one,) = (one for one in live.runtime.library.current if one.db.id == number)
    (asset,) = (asset for asset in one.db.assets if asset.ref.db == number and asset.type.has_data)
    behind = live.live.sources.behind
    live.until(lambda: behind.written == 1)
    (first,) = (db for db in load_scene(live.file("scenes/cube.hu")).dbs if db.name == one.db.name)
    cooked = cook_database(first)
    assert cooked.cooked == 0
    assert cooked.image.read(cooked.entries[asset.ref.index]) == live.runtime.library.read(asset.ref)
    cooked.image.close()


def test_a_material_that_was_edited_while_it_is_drawn_differs_in_nothing_once_its_record_is_written(
    live: LiveScene,
) -> None:
    text = live.file("scenes/cube.assets.hu")
    edited = text.read_text().replace("roughness: 0.85", "roughness: 0.6")
    assert edited != text.read_text()
    text.write_text(edited)

    def differing() -> list[str]:
        dbs = load_scene(live.file("scenes/cube.hu")).dbs
        return [one.asset.label for db in dbs for one in states_of(db).assets if one.is_listed]

    assert differing() == ["model 'ground'", "material 'paving'"]
    live.until_reloaded()
    behind = live.live.sources.behind
    live.until(lambda: behind.written == 1)
    assert differing() == []


def test_of_many_saves_nothing_is_left_but_the_last_version(live: LiveScene) -> None:
    library, memory = live.runtime.library, live.runtime.memory
    versions = [live.file(ALBEDO).read_bytes(), other_colours(live.file(ALBEDO))]

    def open_files() -> int:
        return len(os.listdir("/proc/self/fd"))

    def held() -> tuple[int, ...]:
        live.until(lambda: library.unused() == [])
        sources, windows = len(live.runtime.sources.key), len(live.runtime.resident.windows)
        of_scene = len(live.runtime.scene.dbs)
        return len(library.dbs), len(library._facts), sources, windows, of_scene

    counts, files = [], []
    for number in range(1, 7):
        renamed_over(live.file(ALBEDO), versions[number % 2])  # whole at any load of the machine
        live.until_reloaded()
        counts.append(held())
        if number > 2:  # threads that write behind, or look at folders, have files open for a while
            live.until(lambda: open_files() <= max(files))
        else:
            files.append(open_files())
    assert counts[1:] == counts[1:2] * 5
    assert len(memory._executor.fills._caches) == counts[0][0]


def test_what_an_update_replaced_is_given_back(live: LiveScene) -> None:
    live.runtime.settle()
    assert live.runtime.plan is not None
    before = live.runtime.plan.memory.planned_bytes
    for _ in range(3):
        live.file(ALBEDO).write_bytes(other_colours(live.file(ALBEDO)))
        live.until_reloaded()
        live.runtime.settle()
    assert live.runtime.plan.memory.planned_bytes == before


def test_a_feature_that_raises_for_a_saved_asset_is_reported_and_frames_go_on(
    live: LiveScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    feature = live.runtime.registry["visibleModel"]
    requirements = type(feature).requirements

    def raising(self: Any, ref: AssetRef, library: Any) -> Any:
        if ref.db > 1:
            raise RuntimeError("no luck with what is new")
        return requirements(self, ref, library)

    monkeypatch.setattr(type(feature), "requirements", raising)
    live.file(ALBEDO).write_bytes(other_colours(live.file(ALBEDO)))
    live.until(lambda: any("no luck" in problem.message for problem in live.runtime.problems))
    live.until(lambda: live.live.reloads > 0)
