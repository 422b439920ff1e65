"""Claims about meshes of which coarser levels are made: what is drawn, picked, resident and said."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from support.grids import grid
from support.panes import Panes

from engine.assets import IndicesFacts
from engine.assets.importers.mesh_source import SourceLod
from engine.testing import OpenedScene, assert_planned, open_scene

pytestmark = pytest.mark.gpu

SIZE = (128, 128)
FORMAT = "[pos r32g32b32_sfloat] [normal r32g32b32_sfloat] [uv_albedo r32g32_sfloat]"
MATERIALS = {"clay": "parameters: { baseColor: [0.8 0.5 0.3 1] metallic: 0 roughness: 1 }"}
OBJECTS = """    thing: { euler: [60 0 0] translation: [0 0 -3]
        features: [{ @type: visibleModel  asset: [db thing] } { @type: shadowCaster }] }
    sun: { euler: [-50 30 0] features: [{ @type: light  intensity: 3 }] }
"""


def source(lod: SourceLod) -> str:
    """The text of a mesh source."""
    rows = {
        name: "".join("[" + " ".join(f"{value:.6g}" for value in row) + "]" for row in values)
        for name, values in lod.attributes.items()
    }
    listed = "\n".join(f"{name}: [{text}]" for name, text in rows.items())
    return f"mesh: {{ vertices: {{ {listed} }} indices: [{' '.join(map(str, lod.indices))}] }}"


def assets(simplify: str) -> str:
    return f"""
    {{ @type: mesh name: thing source: thing.mesh.hu simplify: {simplify}
        lods: [{{ topology: triangle_list vertices: corners indices: order }}] }}
    {{ @type: model name: thing mesh: thing material: clay }}
    {{ @type: vertices name: corners source: thing vertexFormat: [{FORMAT}] }}
    {{ @type: indices name: order source: thing indexFormat: uint16 }}
    """


@pytest.fixture
def panes(root: Path, tmp_path: Path) -> Panes:
    made = Panes(root, tmp_path)
    lod = grid()
    lod.attributes["pos"][:] -= (0.5, 0.0, 0.5)
    (tmp_path / "thing.mesh.hu").write_text(source(lod))
    return made


def opened(panes: Panes, simplify: str, size: tuple[int, int] = SIZE) -> OpenedScene:
    scene = open_scene(panes.scene(MATERIALS, OBJECTS, assets(simplify)), size=size)
    scene["camera"].camera.projection = "perspective"
    scene["camera"].camera.fovY = 30
    return scene


@pytest.fixture
def scene(panes: Panes) -> Iterator[OpenedScene]:
    with opened(panes, "{ error: 0.2 }") as made:
        assert made.problems == ()
        yield made


def facts(scene: OpenedScene) -> IndicesFacts:
    library = scene.host.runtime.library
    found = library.facts(library.find("db", "order", ("indices",)))
    assert isinstance(found, IndicesFacts)
    return found


def drawn(scene: OpenedScene) -> int:
    """How many triangles the picture shows."""
    scene.frame()
    return scene.host.runtime.renderer.draws.triangles // 2  # they are drawn into a shadow map, too


def test_each_level_is_drawn_where_its_error_takes_less_than_a_pixel(scene):
    levels = facts(scene).levels
    assert len(levels) == 4
    for number, level in enumerate(levels):
        farther = levels[min(number + 1, 3)].error
        error = (level.error * farther) ** 0.5 if number < 3 else 2 * level.error
        error = error or farther / 2
        distance = error * SIZE[1] / 2 / np.tan(np.radians(15))
        scene["thing"].translation = (0, 0, -distance)
        assert drawn(scene) == level.count // 3, number


def test_a_picture_with_levels_is_nearly_that_of_the_whole_mesh(panes):
    pictures = []
    for simplify in ("{ error: 0.2 }", "0"):
        with opened(panes, simplify) as scene:
            pictures.append([])
            for distance in (1.5, 4, 9, 20):
                scene["thing"].translation = (0, 0, -distance)
                pictures[-1].append(scene.frame()[..., :3].astype(float))
            assert drawn(scene) == (100 if simplify != "0" else 800) or drawn(scene) in (99, 98)
    for coarse, whole in zip(*pictures, strict=True):
        assert np.abs(coarse - whole).mean() < 1.0
    assert np.abs(pictures[0][0] - pictures[0][1]).mean() > 1.0


def test_a_pick_hits_the_finest_level(scene):
    scene["thing"].translation = (0, 0, -100)
    assert drawn(scene) < 200
    scene["camera"].camera.fovY = 1
    scene.frame()
    for x in range(44, 84, 10):
        found = scene.host.pick(x, SIZE[1] // 2)
        assert found is not None
        assert 0 <= found.triangle < 800


def test_vertices_and_indices_of_all_levels_are_one_resource_each(scene):
    scene.frame()
    assert assert_planned(scene, "corners").bytes == 21 * 21 * 32
    indices = sum(level.count for level in facts(scene).levels)
    assert 0 <= assert_planned(scene, "order").bytes - 2 * indices < 4


def test_a_mesh_whose_levels_cannot_be_made_is_drawn_whole_and_the_record_is_named(panes):
    with opened(panes, "{ error: 0.00001 }") as scene:
        (problem,) = scene.problems
        assert problem.code == "mesh.simplify"
        assert problem.position is not None
        assert problem.position.file.endswith("scene.hu")
        assert problem.position.line > 1
        assert problem.help
        scene["thing"].translation = (0, 0, -50)
        assert drawn(scene) == 800
