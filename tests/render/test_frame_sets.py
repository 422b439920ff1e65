"""The sets that passes bind once follow their rings, also where the size of a ring changes in its place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.many_models import many_models

from engine.assets import open_library
from engine.planning.draw.drawing import ShaderDrawing
from engine.runtime.options import RuntimeOptions
from engine.runtime.runtime import Runtime
from engine.scene import load_scene

pytestmark = pytest.mark.gpu


def test_a_frame_waits_for_a_ring_that_grows_at_its_place(root: Path) -> None:
    scene = load_scene(root / "scenes" / "cube.hu")
    options = RuntimeOptions(size=(16, 16))
    with open_library(scene.dbs) as library, Runtime(scene, library, options) as runtime:
        runtime.settle()
        needs, plan, binder = runtime.needs, runtime.plan, runtime.renderer._binder
        assert needs is not None
        assert plan is not None
        assert binder.addresses(needs, plan.memory) is not None
        for name in needs.rings:
            row = plan.memory.subresource_table.rows(np.array([needs.requirements.keys.transient(name)]))
            row["stride"] += 16
            table = plan.memory.subresource_table.changed(row, np.zeros(0, np.int64))
            assert binder.addresses(needs, replace(plan.memory, subresource_table=table)) is None, name


def test_sets_have_the_present_size_of_their_rings(root: Path, tmp_path: Path) -> None:
    scene = load_scene(many_models(root, tmp_path / "tree", 2, 2))
    tableau = scene.tableau
    model = {"asset": scene.asset("db", "o0", ("model",))}
    with (
        open_library(scene.dbs) as library,
        Runtime(scene, library, RuntimeOptions(size=(16, 16))) as runtime,
    ):
        binder = runtime.renderer._binder
        sizes = set()
        made = []
        for count in [40, 40, -60, 300, -200, 700, -700]:
            if count > 0:
                made += tableau.add_objects(count).tolist()
                tableau.add_feature("visibleModel", np.array(made[-count:], np.int32), model)
                tableau.add_feature("shadowCaster", np.array(made[-count:], np.int32), model)
            for row in made[count:] if count < 0 else ():
                tableau.remove(tableau.handle(row))
            made = made[:count] if count < 0 else made
            runtime.settle()
            needs = runtime.needs
            assert needs is not None
            key = needs.requirements.keys.transient("forward.draws")
            place = runtime.memory.location(key)
            assert place is not None
            sizes.add((place.resource, place.offset, place.stride))
            for (name, shading, slot, view), known in binder.frame_sets.kept.items():
                drawing = needs.drawings[name]
                if isinstance(drawing, ShaderDrawing):
                    row, shaders = drawing.frame_set(view), drawing.shading
                else:
                    row, shaders = drawing.frame_set(shading, view), drawing.recipes.shadings[shading]
                again = binder.frame_set_contents(row, drawing, shaders, slot)
                assert again == (known.contents, known.keys)
        places = {place[:2] for place in sizes}
        assert len(places) < len(sizes)  # a ring had another size at one place


def test_a_switch_leaves_the_sets_of_passes_that_bind_nothing_else(root: Path) -> None:
    scene = load_scene(root / "scenes" / "cube.hu")
    with (
        open_library(scene.dbs) as library,
        Runtime(scene, library, RuntimeOptions(size=(16, 16))) as runtime,
    ):
        kept = runtime.renderer._binder.frame_sets.kept

        def settled() -> dict[tuple[str, int], object]:
            runtime.settle()
            for _ in range(2):
                runtime.frame()  # each slot binds sets of its own
            return {(name, slot): known for (name, _, slot, _), known in kept.items()}

        before = settled()
        scene.tableau["cube"].shadowCaster.active = False
        after = settled()
        assert {name for name, _ in before} - {name for name, _ in after} == {"shadow"}
        same = {place for place in after if after[place] is before[place]}
        assert {name for name, _ in after} - {name for name, _ in same} == {"forward"}
        assert len(same) == 2
        scene.tableau["cube"].shadowCaster.active = True
        settled()
        scene.tableau["cube"].shadowCaster.active = False
        assert settled() == after  # the sets of before the switch are still there
