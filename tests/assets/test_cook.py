"""Cooking: only stale assets, by one process at a time, with or without a folder that can be written."""

from __future__ import annotations

import multiprocessing
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.limits import limit
from support.projects import TRIANGLE_DB, VERTEX_GLSL, Cooks, Project

from engine.assets import AssetDb, AssetType, open_library
from engine.assets import cook as cook_module
from engine.assets.cache import fact_checks, stamps
from engine.assets.cache import freshness as freshness_module
from engine.assets.cache.lock import cache_lock
from engine.assets.cook import CookedDb, cook_database
from engine.assets.files import FileGate, Stamp
from engine.assets.importers import shader as shader_module
from engine.assets.recipes import recipes_of
from engine.assets.spirv.module import reflect
from engine.assets.spirv.reflection import Reflection
from engine.assets.tools.tool_process import run_tool
from engine.humon import Severity

DATA_ASSETS = 6


def data_of(cooked: CookedDb, index: int) -> bytes:
    return cooked.image.read(cooked.entries[index])


def test_the_first_cook_imports_everything_and_the_second_nothing(project: Project, cook: Cooks) -> None:
    assert cook() == DATA_ASSETS
    cache = project.root / "scenes" / "db.ogCache"
    before = cache.stat()
    assert cook() == 0
    assert cache.stat().st_mtime_ns == before.st_mtime_ns
    assert cache.stat().st_ino == before.st_ino


def test_one_changed_source_cooks_one_asset_again(project: Project, cook: Cooks) -> None:
    cook()
    old = cook_database(project.db())
    project.picture("assets/picture.png", np.full((8, 4, 4), 9, np.uint8))
    assert cook() == 1
    assert cook.imported == ["texture2d 'picture'"]
    new = cook_database(project.db())
    assert data_of(new, 7)[:4] == bytes([9, 9, 9, 9])
    for index in (2, 3, 5, 6, 8):
        assert data_of(new, index) == data_of(old, index)


def test_a_mesh_source_is_the_source_of_all_its_parts(project: Project, cook: Cooks) -> None:
    cook()
    source = (project.root / "assets/thing.hu").read_text(encoding="utf-8")
    project.write("assets/thing.hu", source.replace("[1 0 0]", "[2 0 0]", 1))
    assert cook() == 2


@pytest.mark.parametrize("kind", ["a file", "another link"])
def test_an_include_is_another_where_its_link_leads_elsewhere(
    project: Project, cook: Cooks, kind: str
) -> None:
    source = VERTEX_GLSL.replace("void main", '#include "part.glsl"\nvoid main').replace("1.0);", "K);")
    project.write("assets/plain.vs.glsl", source)
    for number in (1, 2):
        project.write(f"assets/part{number}.glsl", f"const float K = {number}.0;\n")
    link = project.root / "assets/part.glsl"
    link.symlink_to("part1.glsl")
    cook()
    assert cook() == 0
    link.unlink()
    if kind == "a file":
        project.write("assets/part.glsl", "const float K = 2.0;\n")
    else:
        link.symlink_to("part2.glsl")
    assert cook() == 1
    assert cook() == 0


@pytest.mark.parametrize("include", ['#include "part.glsl"', "/* */ #inc\\\nlude<part.glsl>"])
def test_a_changed_include_cooks_its_shader_again(project: Project, cook: Cooks, include: str) -> None:
    project.write("assets/part.glsl", "const float K = 1.0;\n")
    source = VERTEX_GLSL.replace("void main", f"{include}\nvoid main").replace("1.0);", "K);")
    project.write("assets/plain.vs.glsl", source)
    cook()
    assert cook() == 0
    project.write("assets/part.glsl", "const float K = 2.0;\n")
    assert cook() == 1
    assert cook.imported == ["shader 'vs'"]


@pytest.mark.parametrize(
    ("old", "new", "count"),
    [
        ("source: ../assets/picture.png", "source: ../assets/picture.png  mipLevels: 1", 1),
        ("source: ../assets/bumps.png", "source: ../assets/bumps.png  colorSpace: srgb", 1),
        ("albedo: picture", "detail: picture", 1),
        ("indexFormat: uint16", "indexFormat: uint32", 1),
        ("[normal r32g32b32_sfloat]", "[normal r16g16b16a16_sfloat]", 1),
        ("name: bumps", "name: lumps", 0),
        ("name: db", "name: renamed  cacheFile: db.ogCache", 0),
    ],
)
def test_a_changed_import_setting_cooks_its_asset_again(cook: Cooks, old: str, new: str, count: int) -> None:
    cook()
    text = TRIANGLE_DB.replace(old, new, 1)
    assert cook(text.replace("normal: bumps", "normal: lumps") if "lumps" in new else text) == count
    assert cook() == 0


def test_a_moved_asset_is_not_cooked_again(cook: Cooks) -> None:
    cook()
    lines = TRIANGLE_DB.splitlines()
    texture = next(line for line in lines if "picture.png" in line)
    lines.remove(texture)
    lines.insert(3, texture)
    assert cook("\n".join(lines)) == 0


def parts_of_one_source(count: int) -> str:
    """A database whose meshes all name one source, with vertices that differ in the number of bones."""
    assets = ["{ @type: indices  name: x  source: m0  indexFormat: uint16 }"]
    for i in range(count):
        lod = f"{{ topology: triangle_list  vertices: v{i}  indices: x  numBones: {i} }}"
        assets += [
            f"{{ @type: mesh  name: m{i}  source: ../assets/thing.hu  lods: [{lod}] }}",
            f"{{ @type: vertices  name: v{i}  source: m{i}  vertexFormat: [[pos r32g32b32_sfloat]] }}",
        ]
    return "assetDb: { name: db  assets: [\n" + "\n".join(assets) + "\n] }"


@pytest.mark.parametrize("count", [1, 40])
def test_a_source_of_many_parts_is_looked_at_once(
    project: Project, cook: Cooks, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setattr(stamps, "MIN_AGE_NS", 0)
    read: list[str] = []
    looked_at: list[str] = []
    gate_read, gate_stamp = FileGate.read, FileGate.stamp

    def counting_read(gate: FileGate, path: Path, *rest: int) -> tuple[bytes, Stamp]:
        read.append(Path(path).name)
        return gate_read(gate, path, *rest)

    def counting_stamp(gate: FileGate, path: Path) -> Stamp:
        looked_at.append(Path(path).name)
        return gate_stamp(gate, path)

    monkeypatch.setattr(FileGate, "read", counting_read)
    monkeypatch.setattr(FileGate, "stamp", counting_stamp)
    assert cook(parts_of_one_source(count)) == 1 + count
    assert read == ["thing.hu"]
    looked_at.clear()
    assert cook() == 0
    assert (read, looked_at) == (["thing.hu"], ["thing.hu"])
    project.age(project.root / "assets/thing.hu", 30)
    assert cook() == 0
    assert read == ["thing.hu"] * 3  # before and after the lock of the cache is taken


def test_assets_that_are_made_alike_share_one_recipe(project: Project) -> None:
    recipes = recipes_of(project.db(parts_of_one_source(40)))
    assert len({id(recipe) for recipe in recipes.values()}) == 41
    text = re.sub("numBones: [0-9]+", "numBones: 1", parts_of_one_source(40))
    recipes = recipes_of(project.db(text))
    assert len(recipes) == 41
    assert len({id(recipe) for recipe in recipes.values()}) == 2
    assert len({recipe.identity for recipe in recipes.values()}) == 2


def test_a_module_that_fits_its_facts_is_reflected_once_in_a_process(
    cook: Cooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    reflected: list[bytes] = []

    def counted(code: bytes, *rest: Any) -> Reflection:
        reflected.append(code)
        return reflect(code, *rest)

    cook()
    monkeypatch.setattr(fact_checks, "_fitting", set())
    monkeypatch.setattr("engine.assets.spirv.module.reflect", counted)
    assert cook() == 0
    assert len(set(reflected)) == len(reflected) == 2  # its two shaders
    assert cook() == 0
    assert len(reflected) == 2


def test_a_new_compiler_compiles_again_and_no_compiler_does_not(
    cook: Cooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    cook()
    monkeypatch.setattr(cook_module, "tool_identity", lambda: "another compiler")
    assert cook() == 2
    monkeypatch.setattr(cook_module, "tool_identity", lambda: "")
    assert cook() == 0


def test_without_a_compiler_shaders_fail_until_there_is_one(
    project: Project, cook: Cooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(freshness_module, "find_compiler", lambda: None)
        patch.setattr(shader_module, "find_compiler", lambda: None)
        cooked = cook_database(project.db())
        assert cooked.entries[5].failure[0]["code"] == "shader.compiler"
    assert cook() == 2
    assert cook() == 0


@pytest.mark.parametrize("at", [0, 10, 4095, 4096, 5000, -200, -1])
def test_a_damaged_cache_is_cooked_again_silently(project: Project, cook: Cooks, at: int) -> None:
    cook()
    cache = project.root / "scenes" / "db.ogCache"
    whole = cache.read_bytes()
    content = bytearray(whole)
    content[at] ^= 0x10
    cache.write_bytes(bytes(content))
    cooked = cook_database(project.db())
    assert cooked.cooked >= 1
    assert not cooked.problems
    assert cooked.image.data == whole[4096 : 4096 + cooked.image.size]


def test_the_code_of_shaders_outlives_their_cache(project: Project) -> None:
    with open_library([project.db()]) as library:
        shaders = [asset.ref for asset in library.dbs[1].assets if asset.type is AssetType.SHADER]
        code = [library.read(ref) for ref in shaders]
        os.truncate(project.root / "scenes" / "db.ogCache", 0)
        assert [library.read(ref) for ref in shaders] == code
        assert all(code)


def test_deleting_the_cache_is_safe(project: Project, cook: Cooks) -> None:
    cook()
    cache = project.root / "scenes" / "db.ogCache"
    whole = cache.read_bytes()
    cache.unlink()
    assert cook() == DATA_ASSETS
    assert cache.read_bytes() == whole


def test_equal_sources_make_equal_bytes_in_any_order_of_the_pool(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shader_module, "run_tool", run_tool)  # nothing is remembered from other tests
    cache = project.root / "scenes" / "db.ogCache"
    contents = set()
    for jobs in (1, 2, 8):
        cook_database(project.db(), jobs=jobs).image.close()
        contents.add(cache.read_bytes())
        cache.unlink()
    assert len(contents) == 1


def test_assets_that_are_used_together_are_adjacent(project: Project) -> None:
    cooked = cook_database(project.db())
    offsets = [cooked.entries[index].offset for index in (2, 3, 5, 6, 7, 8)]
    assert offsets == sorted(offsets)
    assert [entry.offset % 16 for entry in cooked.entries.values()] == [0] * DATA_ASSETS


def test_progress_counts_to_the_end(project: Project) -> None:
    calls: list[tuple[int, int, str]] = []
    cook_database(project.db(), progress=lambda *call: calls.append(call))
    assert calls[0] == (0, DATA_ASSETS, "")
    assert calls[-1][:2] == (DATA_ASSETS, DATA_ASSETS)
    assert [call[0] for call in calls] == sorted(call[0] for call in calls)


def test_a_broken_source_is_skipped_until_it_changes(
    project: Project, cook: Cooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[object] = []
    monkeypatch.setattr(shader_module, "_passed", set())  # modules that other tests had validated
    monkeypatch.setattr(
        shader_module, "run_tool", lambda *args, **more: runs.append(1) or run_tool(*args, **more)
    )
    project.write("assets/plain.vs.glsl", VERTEX_GLSL.replace("vec4(pos", "vec4(sop"))
    cook()
    runs.clear()
    assert cook() == 0
    assert runs == []
    cooked = cook_database(project.db())
    assert cooked.entries[5].failure[0]["position"] == ["assets/plain.vs.glsl", 8, 47]
    project.write("assets/plain.vs.glsl", VERTEX_GLSL)
    assert cook() == 1
    assert len(runs) == 2


def test_a_source_that_hangs_the_compiler_is_not_compiled_again(
    project: Project, cook: Cooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = shader_module.ToolResult(-9, "", timed_out=True)
    runs: list[object] = []
    monkeypatch.setattr(shader_module, "run_tool", lambda *args: runs.append(args) or result)
    cook()
    assert len(runs) == 2
    assert cook() == 0
    assert len(runs) == 2


def test_a_missing_source_is_looked_for_every_time_and_nothing_is_written(
    project: Project, cook: Cooks
) -> None:
    (project.root / "assets/bumps.png").unlink()
    assert cook() == DATA_ASSETS
    cache = project.root / "scenes" / "db.ogCache"
    before = cache.stat().st_mtime_ns
    assert cook() == 1
    assert cache.stat().st_mtime_ns == before
    project.picture("assets/bumps.png", np.zeros((2, 2, 4), np.uint8))
    assert cook() == 1
    assert cook() == 0


def test_a_picture_without_memory_is_tried_again(
    cook: Cooks, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_memory(*_: object, **__: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr("engine.assets.importers.texture.fill_mips", no_memory)
        cooked = cook_database(project.db())
        cooked.image.close()
        failures = [entry.failure[0]["code"] for entry in cooked.entries.values() if entry.failure]
        assert failures == ["texture.memory", "texture.memory"]
    assert cook() == 2
    assert cook() == 0


def test_a_cache_that_cannot_be_written_is_in_memory_with_one_warning(project: Project) -> None:
    db = project.db(TRIANGLE_DB.replace("name: db", "name: db  cacheFile: nowhere/db.ogCache", 1))
    cooked = cook_database(db)
    (problem,) = cooked.problems
    assert (problem.code, problem.severity) == ("cache.write", Severity.WARNING)
    assert problem.position is not None
    assert problem.position.line == 2
    assert data_of(cooked, 3) == np.array([0, 1, 2], "<u2").tobytes()
    assert not (project.root / "scenes" / "nowhere").exists()


def test_a_full_disk_is_only_a_warning(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    cooked = cook_database(project.db())
    assert [problem.code for problem in cooked.problems] == ["cache.write"]
    assert "No space" in cooked.problems[0].message
    assert data_of(cooked, 3) == np.array([0, 1, 2], "<u2").tobytes()
    assert sorted(path.name for path in (project.root / "scenes").iterdir()) == ["db.hu", "db.ogCache.lock"]


def test_a_read_only_folder_gives_one_warning_and_none_with_a_current_cache(
    project: Project,
) -> None:
    lock = project.root / "scenes" / "db.ogCache.lock"
    lock.mkdir()  # no user can open it for writing, root included
    first = cook_database(project.db())
    assert (first.cooked, [problem.code for problem in first.problems]) == (DATA_ASSETS, ["cache.write"])
    assert data_of(first, 3) == np.array([0, 1, 2], "<u2").tobytes()
    assert [path.name for path in (project.root / "scenes").glob("*.ogCache")] == []
    lock.rmdir()
    cook_database(project.db()).image.close()
    lock.unlink()
    lock.mkdir()
    for _ in ("warm", "with another mtime"):
        again = cook_database(project.db())
        assert (again.cooked, again.problems) == (0, ())
        project.age(project.root / "assets/picture.png", 30)
    project.picture("assets/picture.png", np.zeros((4, 4, 4), np.uint8))
    changed = cook_database(project.db())
    assert (changed.cooked, len(changed.problems)) == (1, 1)


def test_a_cache_root_keeps_the_caches_of_databases_separate(project: Project, tmp_path: Path) -> None:
    elsewhere = tmp_path / "caches"
    cook_database(project.db(), cache_root=elsewhere).image.close()
    assert not (project.root / "scenes" / "db.ogCache").exists()
    assert sorted(path.suffix for path in elsewhere.iterdir()) == [".lock", ".ogCache", ".records"]
    assert cook_database(project.db(), cache_root=elsewhere).cooked == 0


def cook_elsewhere(db_path: str, results: multiprocessing.Queue[int]) -> None:
    from engine.assets import read_asset_db_file

    results.put(cook_database(read_asset_db_file(Path(db_path), 1)).cooked)


def test_a_second_process_waits_and_reads_what_the_first_cooked(project: Project) -> None:
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    path = str(project.root / "scenes" / "db.hu")
    db: AssetDb = project.db()
    with cache_lock(db.cache_file):
        workers = [context.Process(target=cook_elsewhere, args=(path, results)) for _ in range(2)]
        for worker in workers:
            worker.start()
        time.sleep(0.2)
        assert results.empty()
    counts = sorted(results.get(timeout=limit(60)) for _ in workers)
    for worker in workers:
        worker.join(limit(30))
    assert counts == [0, DATA_ASSETS]


def test_a_lock_held_for_too_long_is_a_warning(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    db = project.db()
    wait = cache_lock
    monkeypatch.setattr("engine.assets.cache.lock.cache_lock", lambda path: wait(path, 0.1))
    with wait(db.cache_file):
        cooked = cook_database(db)
    assert cooked.cooked == DATA_ASSETS
    (problem,) = cooked.problems
    assert problem.code == "cache.write"
    assert "another process" in problem.message


def test_a_lock_ends_with_its_block(project: Project) -> None:
    db = project.db()
    for _ in range(3):
        with cache_lock(db.cache_file, 0.5):
            assert db.cache_file.with_name("db.ogCache.lock").exists()


def test_a_warm_start_loads_neither_decoder_nor_compiler(project: Project, cook: Cooks) -> None:
    cook()
    script = (
        "import sys; from pathlib import Path\n"
        "from engine.assets import read_asset_db_file\n"
        "from engine.assets.cook import cook_database\n"
        "assert cook_database(read_asset_db_file(Path(sys.argv[1]), 1)).cooked == 0\n"
        "heavy = {'PIL', 'subprocess', 'tempfile', 'concurrent.futures.thread', 'vulkan'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    command = [sys.executable, "-c", script, str(project.root / "scenes/db.hu")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=limit(60))
    assert done.stdout.strip() == "[]"
