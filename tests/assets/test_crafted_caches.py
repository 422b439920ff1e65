"""Caches with correct checksums and wrong contents are misses: assets and plan are the same as without."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.cache_mutations import Rows, mutated, put_together, repair, taken_apart
from support.projects import Project
from support.sampling import Sample
from support.skies import radiance_bytes

from engine.assets import AssetLibrary, open_library
from engine.assets.cache.cache import HEADER_BYTES, CacheMissError, open_cache, pack_header
from engine.assets.cache.facts import AnimationFacts, EnvironmentFacts, SkeletonFacts
from engine.assets.cache.freshness import check_cache
from engine.assets.files import FileGate
from engine.assets.recipes import recipes_of
from engine.cli.profiles import find_profile
from engine.plan.text.plan_text import plan_text
from engine.planning.offline import plan_scene

QUAD_HU = """mesh: {
    lods: [
        { vertices: { pos: [[0 0 0] [1 0 0] [0 1 0] [1 1 0]] }  indices: [0 1 2 2 1 3] }
        { vertices: { pos: [[0 0 0] [1 0 0] [0 1 0]] }  indices: [0 1 2] }
    ]
    bones: [{ name: root } { name: tip  parent: root }]
}
"""
SCENE_HU = """include: db.hu
tableau: {
    name: crafted
    objects: {
        eye: { translation: [0 0 5]  features: [{ @type: camera }] }
        thing: { features: [{ @type: visibleModel  asset: [db thing] }] }
    }
}
"""
DB_HU = """assetDb: {
    name: db
    assets: [
        { @type: model  name: thing  mesh: thing  material: plain }
        { @type: mesh  name: thing  source: ../assets/thing.hu
            lods: [{ topology: triangle_list  vertices: thing  indices: thing  numBones: 1 }] }
        { @type: vertices  name: thing  source: thing
            vertexFormat: [[pos r32g32b32_sfloat] [normal r32g32b32_sfloat]] }
        { @type: indices  name: thing  source: thing  indexFormat: uint16 }
        { @type: mesh  name: quad  source: ../assets/quad.hu  skeleton: quad
            lods: [{ topology: triangle_list  vertices: quad0  indices: quad0 }
                   { topology: triangle_list  vertices: quad1  indices: quad1 }] }
        { @type: vertices  name: quad0  source: quad  vertexFormat: [[pos r32g32b32_sfloat]] }
        { @type: vertices  name: quad1  source: quad  vertexFormat: [[pos r32g32b32_sfloat]] }
        { @type: indices  name: quad0  source: quad  indexFormat: uint32 }
        { @type: indices  name: quad1  source: quad  indexFormat: uint32 }
        { @type: skeleton  name: quad  source: quad }
        { @type: material  name: plain  shaders: [vs fs]  textures: { albedo: picture  normal: bumps } }
        { @type: shader  name: vs  source: ../assets/plain.vs.spv  stage: vertex_shader_bit }
        { @type: shader  name: fs  source: ../assets/plain.fs.spv  stage: fragment_shader_bit }
        { @type: texture2d  name: picture  source: ../assets/picture.png }
        { @type: texture2d  name: bumps  source: ../assets/bumps.png }
        { @type: environment  name: sky  source: ../assets/sky.hdr }
        { @type: animation  name: nod  source: ../assets/nod.hu }
    ]
}
"""
NOD_HU = """animation: {
    channels: [{ target: thing  property: rotation  times: [0 1]  values: [[0 0 0 1] [0 1 0 0]] }]
}
"""


def known_to(library: AssetLibrary) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The facts and the bytes of every asset of the project."""
    facts: dict[str, Any] = {}
    content: dict[str, bytes] = {}
    for asset in library.dbs[1].assets:
        if asset.type.has_data:
            found = library.facts(asset.ref)
            # names of bones and targets and irradiance are content, which only the source can confirm
            if isinstance(found, SkeletonFacts):
                found = replace(found, names=())
            elif isinstance(found, AnimationFacts):
                found = replace(found, channels=tuple(replace(one, target="") for one in found.channels))
            elif isinstance(found, EnvironmentFacts):
                assert np.abs(found.irradiance).max() <= 3 * 65504
                found = replace(found, irradiance=())
            facts[asset.label] = found
            content[asset.label] = library.read(asset.ref)
    return facts, content


class Crafted:
    """A project whose cache is replaced: `cache` is its path, `whole` what a cook writes."""

    def __init__(self, root: Path) -> None:
        self.project = project = Project(root)
        with open_library([project.db()]) as library:  # the GLSL is compiled once, not after each mutation
            by_name = {asset.label: library.read(asset.ref) for asset in library.dbs[1].assets[5:7]}
        project.write("assets/plain.vs.spv", by_name["shader 'vs'"])
        project.write("assets/plain.fs.spv", by_name["shader 'fs'"])
        project.write("assets/quad.hu", QUAD_HU)
        project.write("assets/sky.hdr", radiance_bytes(np.full((4, 8, 3), 0.5, np.float32)))
        project.write("assets/nod.hu", NOD_HU)
        self.scene = project.write("scenes/scene.hu", SCENE_HU)
        self.db = project.db(DB_HU)
        self.cache = self.db.cache_file
        self.cache.unlink()
        with open_library([self.db]) as library:
            assert not library.problems
            self.facts, self.content = known_to(library)
        self.whole = self.cache.read_bytes()
        self.device = find_profile("lavapipe")
        self.plan = self.planned()

    def planned(self) -> str:
        return plan_text(plan_scene(self.scene, self.device).plan)

    def known(self) -> int:
        """How many assets of the file are taken as they are."""
        recipes = {recipe.identity: recipe for recipe in recipes_of(self.db).values()}
        state = check_cache(self.cache, recipes, FileGate(self.db.root), "")
        state.close()
        return len(state.known)


@pytest.fixture(scope="module")
def crafted(tmp_path_factory: pytest.TempPathFactory) -> Crafted:
    return Crafted(tmp_path_factory.mktemp("crafted") / "project")


def of_kind(rows: Rows, member: str) -> dict[str, Any]:
    return next(row for row in rows if member in row["facts"])


def test_a_cache_that_was_not_touched_is_used_as_it_is(crafted: Crafted) -> None:
    crafted.cache.write_bytes(put_together(*taken_apart(crafted.whole)))
    assert crafted.known() == len(taken_apart(crafted.whole)[0])


@pytest.mark.timeout(600)
def test_mutated_caches_are_misses_and_change_neither_assets_nor_plan(
    crafted: Crafted, sample: Sample
) -> None:
    for turn, seed in enumerate(sample.seeds(60, 5000)):
        content, is_content = mutated(np.random.default_rng(seed), crafted.whole)
        crafted.cache.write_bytes(content)
        with open_library([crafted.db]) as library:
            facts, found = known_to(library)
        assert facts == crafted.facts, seed
        if not is_content:
            assert found == crafted.content, seed
        if turn % 20 == 0:
            crafted.cache.write_bytes(content)
            assert crafted.planned() == crafted.plan, seed


def changed(crafted: Crafted, change: Callable[[Rows, bytearray], None]) -> None:
    rows, data = taken_apart(crafted.whole)
    change(rows, data)
    crafted.cache.write_bytes(put_together(rows, data))


FACTS: dict[str, tuple[str, Any]] = {
    "no mip levels": ("mip_levels", 0),
    "2 to the 32 mip levels": ("mip_levels", 2**32),
    "a width that wraps": ("width", 2**32 + 4),
    "a negative height": ("height", -8),
    "a size beyond the file": ("size", 2**63 - 1),
    "another format": ("format", "r8g8b8a8_unorm"),
    "an unknown format": ("format", "r8"),
    "a stride of zero": ("stride", 0),
    "bounds that are not finite": ("minimum", [float("-inf"), 0, 0]),
    "bounds that the positions lack": ("maximum", [1.0, 1.0, 0.5]),
    "an entry point of another shader": ("entry_point", "other"),
    "two bones in a name": ("names", ["a\0b", "tip"]),
    "equal bones": ("names", ["tip", "tip"]),
    "a lone surrogate": ("names", ["\ud800", "tip"]),
    "an index that no vertex has": ("highest", 3_000_000_000),
    "the wrong highest index": ("highest", 1),
    "a number for a truth": ("count", True),
    "more light than any picture has": ("irradiance", [[3e5, 0, 0]] * 9),
    "too few factors of light": ("irradiance", [[1, 1, 1]] * 8),
}


@pytest.mark.parametrize("case", FACTS)
def test_a_wrong_fact_is_a_miss_of_its_asset(crafted: Crafted, case: str) -> None:
    member, value = FACTS[case]

    def change(rows: Rows, data: bytearray) -> None:
        of_kind(rows, member)["facts"][member] = value

    changed(crafted, change)
    assert crafted.known() < len(taken_apart(crafted.whole)[0])


@pytest.mark.parametrize("word", [2**16 - 1, 3])
def test_an_index_without_a_vertex_is_found_in_the_bytes(crafted: Crafted, word: int) -> None:
    def change(rows: Rows, data: bytearray) -> None:
        row = next(row for row in rows if row["facts"].get("type") == "uint16")
        data[row["offset"] : row["offset"] + 2] = word.to_bytes(2, "little")
        repair(row, data)

    changed(crafted, change)
    assert crafted.known() == len(taken_apart(crafted.whole)[0]) - 1


def test_an_index_without_a_vertex_is_found_though_its_fact_agrees(crafted: Crafted) -> None:
    def change(rows: Rows, data: bytearray) -> None:
        row = next(row for row in rows if row["facts"].get("type") == "uint16")
        row["facts"]["highest"] = 60_000
        data[row["offset"] : row["offset"] + 2] = (60_000).to_bytes(2, "little")
        repair(row, data)

    changed(crafted, change)
    assert crafted.known() == len(taken_apart(crafted.whole)[0]) - 2  # the vertices may be wrong as well


def test_a_module_with_another_interface_is_a_miss(crafted: Crafted) -> None:
    def change(rows: Rows, data: bytearray) -> None:
        shaders = [row for row in rows if "reflection" in row["facts"]]
        first, second = sorted(shaders, key=lambda row: row["size"])
        size = first["size"]
        data[second["offset"] : second["offset"] + size] = data[first["offset"] : first["offset"] + size]
        repair(second, data)

    changed(crafted, change)
    assert crafted.known() == len(taken_apart(crafted.whole)[0]) - 1


@pytest.mark.parametrize("words", [1, 2, 7])
def test_a_module_that_lost_its_end_is_a_miss(crafted: Crafted, words: int) -> None:
    def change(rows: Rows, data: bytearray) -> None:
        row = of_kind(rows, "reflection")
        end = row["offset"] + row["size"]
        data[end - 4 * words : end] = (b"\1\0\1\0" * words)[: 4 * words]  # OpUndef of one word
        repair(row, data)

    changed(crafted, change)
    assert crafted.known() == len(taken_apart(crafted.whole)[0]) - 1


@pytest.mark.parametrize("path", ["../outside.png", "/etc/hostname", "a\0b", "..", "", "assets\\x.png"])
def test_a_source_outside_of_the_root_is_never_looked_at(crafted: Crafted, path: str) -> None:
    def change(rows: Rows, data: bytearray) -> None:
        of_kind(rows, "reflection")["sources"].append([path, 1, 1, "00"])

    changed(crafted, change)
    assert crafted.known() == 0


@pytest.mark.parametrize("part", ["warnings", "failure"])
@pytest.mark.parametrize(
    ("member", "value", "is_taken"),
    [
        ("code", "texture.decode", True),
        ("code", "made.up", False),
        ("code", ["texture.decode"], False),
        ("position", ["assets/picture.png", 1, 1], True),
        ("position", None, True),
        ("position", ["/etc/passwd", 1, 1], False),
        ("position", ["../outside.png", 1, 1], False),
    ],
)
def test_a_problem_has_a_code_of_ours_and_a_place_below_the_root(
    crafted: Crafted, part: str, member: str, value: Any, is_taken: bool
) -> None:
    problem = {"code": "texture.decode", "message": "m", "position": None, "excerpt": "e", "help": "h"}

    def change(rows: Rows, data: bytearray) -> None:
        row = rows[-1]
        if part == "failure":
            del data[row["offset"] :]
            row |= {"size": 0, "checksum": 0, "facts": None}
        row[part] = [problem | {member: value}]

    changed(crafted, change)
    assert crafted.known() == (len(taken_apart(crafted.whole)[0]) if is_taken else 0)


def test_a_table_as_large_as_memory_is_not_parsed(crafted: Crafted) -> None:
    table = b'{"entries": [' + b"0," * (2 << 20) + b"0]}"
    assert len(table) > (1 << 20) + (64 << 10) * len(taken_apart(crafted.whole)[0])
    crafted.cache.write_bytes(pack_header(HEADER_BYTES + len(table), HEADER_BYTES, table) + table)
    with pytest.raises(CacheMissError, match="larger than that of any such database"):
        open_cache(crafted.cache, len(taken_apart(crafted.whole)[0]))
    assert json.loads(table)["entries"][0] == 0
