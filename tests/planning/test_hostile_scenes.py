"""Claims about damaged scenes: each is planned, drawn and saved, or refused, with problems of its author."""

from __future__ import annotations

import os
import random
import threading
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.panes import LIT, Panes, pane
from support.random_scenes import profile
from support.scene_mutations import SceneMutations, damaged, make_projects
from support.small_features import tree_of

from engine.humon import InputError, Problem
from engine.humon.diagnostics import quoted
from engine.plan.terms.errors import PlanError
from engine.planning.offline import plan_scene
from engine.scene import Scene, load_scene
from engine.tableau import ObjectHandle
from engine.testing import assert_silent, open_scene

PROFILES = ("lavapipe", "nvidia-h200", "coarse")
NOT_AUTHORS = ("feature.failed",)
"""Codes that a scene alone must never lead to: our own features have raised."""


@pytest.fixture(scope="module")
def mutations(tmp_path_factory: pytest.TempPathFactory) -> list[SceneMutations]:
    """The projects, which are cooked when the first damage to them is drawn."""
    return [SceneMutations(scene) for scene in make_projects(tmp_path_factory.mktemp("hostile"))]


@cache
def cook_without_problems(scene: Path) -> None:
    assert plan_scene(scene, profile("lavapipe"), (32, 24)).problems == (), scene


def check(problems: tuple[Problem, ...], what: object) -> None:
    """Every problem has a code, a text that can be printed, and mostly a place; none is ours."""
    for problem in problems:
        assert problem.code not in NOT_AUTHORS, f"{what}: {problem.render()}"
        assert problem.render().encode(errors="surrogateescape")
        assert problem.position is not None or problem.code in ("scene.too_many", "plan.short"), what
    assert len(set(problems)) == len(problems), what


def planned(scene: Path, device: str, what: object) -> str:
    """Plan a scene; return how that ended."""
    try:
        found = plan_scene(scene, profile(device), (32, 24))
    except InputError as error:
        check(tuple(dict.fromkeys(error.problems)), what)
        return "refused"
    except PlanError:
        return "no plan"
    check(found.problems, what)
    return "with warnings" if found.problems else "clean"


@pytest.mark.timeout(4 * 3600)
def test_a_damaged_scene_is_planned_or_refused_and_leaves_no_file_or_thread_open(
    sample: Any, mutations: list[SceneMutations]
):
    before = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").is_dir() else 0
    threads = threading.active_count()
    ends: Counter[str] = Counter()
    for seed, done in _each(mutations, sample.seeds(6, 10_000)):
        scene = mutations[seed % len(mutations)].scene
        ends[planned(scene, PROFILES[seed % len(PROFILES)], (seed, done))] += 1
    print(dict(ends))
    assert threading.active_count() == threads
    if before:
        assert len(os.listdir("/proc/self/fd")) <= before + 1


def change(scene: Scene, chance: random.Random) -> None:
    """Change six things at random objects."""
    tableau = scene.tableau
    objects: list[ObjectHandle] = [tableau.handle(row) for row in tableau.rows().tolist()]
    for number in range(6 if objects else 0):
        one = chance.choice(objects)
        what = chance.choice(("move", "turn", "flag", "features", "flags", "rename", "add"))
        if what == "move":
            one.translation = (number + 0.5, 1, 2)
        elif what == "turn":
            one.rotation = (0, 0.6, 0, 0.8)
        elif what == "flag":
            one.enabled = not one.enabled
        elif what == "features":
            for name in ("spin", "light"):
                if name not in one:
                    tableau.add_feature(name, one)
        elif what == "flags":
            for feature in one:
                feature.enabled = not feature.enabled
        elif what == "rename":
            tableau.rearranging.rename(one.row, f"renamed {number}")
        else:
            tableau.add_object(f"added {number}", one, features={"light": {}})


def test_a_damaged_scene_that_is_changed_and_saved_is_read_as_it_was(
    sample: Any, mutations: list[SceneMutations]
) -> None:
    """More may be right than before: what was set takes the place of a wrong value."""
    for seed in sample.seeds(8, 3_000):
        one = mutations[seed % len(mutations)]
        for done in damaged(one, [seed]):
            try:
                scene = load_scene(one.scene)
            except InputError:
                continue  # nothing is left of it
            home = scene.parts[0].home
            if home is None:
                continue
            before = home.path.read_bytes()
            try:
                assert not scene.save(), (seed, done)
                change(scene, random.Random(seed))
                check_saved(scene, home.path, before, (seed, done))
            finally:
                home.path.write_bytes(before)


def had_no_name(path: str, problems: Sequence[Problem]) -> bool:
    """Whether an object was left out for its name alone, which is free once another object has a new one."""
    codes = ("humon.duplicate", "object.name")
    messages = [problem.message for problem in problems if problem.code in codes]
    return any(quoted(key) in message for message in messages for key in path.split("/"))


def check_saved(scene: Scene, home: Path, before: bytes, what: object) -> None:
    refused: set[str] = set()
    try:
        scene.save()
    except InputError as error:
        refused = {problem.code for problem in error.problems}
    if refused:
        assert refused <= {"value.kind", "object.name"}, what
        assert home.read_bytes() == before, what
        return
    again = load_scene(scene.path, scene.registry)
    expected = tree_of(scene.tableau)
    found = {
        path: values
        for path, values in tree_of(again.tableau).items()
        if path in expected or not had_no_name(path, scene.left_out)
    }
    assert found == expected, what
    new = Counter(each.code for each in again.left_out) - Counter(each.code for each in scene.left_out)
    assert set(new) <= {"feature.duplicate"}, what


@pytest.mark.gpu
def test_a_damaged_scene_that_is_not_refused_is_drawn(sample: Any, mutations: list[SceneMutations]):
    drawn = 0
    for seed, done in _each(mutations, sample.seeds(4, 400)):
        scene = mutations[seed % len(mutations)].scene
        try:
            opened = open_scene(scene, size=(32, 24))
        except (InputError, PlanError):
            continue
        with opened as there:
            there.step(count=2)
            assert np.asarray(there.frame()).shape == (24, 32, 4), (seed, done)
            check(there.problems, (seed, done))
            assert_silent(there)
        drawn += 1
    print(drawn)


@pytest.mark.parametrize("numbers", ["[1 1 1 1 1]", "[1 1 1 1e300]"])
def test_a_parameter_that_a_pass_s_own_shaders_have_no_room_for_switches_nothing_off(
    numbers: str, root: Path, tmp_path: Path
):
    """The shadow of what has holes is drawn by shaders of the pass, with the parameters of the material."""
    panes = Panes(root, tmp_path)
    panes.picture("holes", np.full((2, 2, 4), 255))
    material = f"textures: {{ albedo: holes }} parameters: {{ baseColor: {numbers} }} alphaMode: mask"
    caster = pane("p", "m").replace("}] }", "} { @type: shadowCaster }] }")
    found = plan_scene(panes.scene({"m": material}, caster + LIT), profile("lavapipe"), (32, 24))
    assert {problem.code for problem in found.problems} == {"shader.interface"}
    assert all("parameter 'baseColor' does not fit" in problem.message for problem in found.problems)
    assert all("name: m" in _line(problem) for problem in found.problems)
    assert any(row.pass_name.startswith("shadow") for row in found.plan.pipelines)


def _line(problem: Problem) -> str:
    assert problem.position is not None
    return Path(problem.position.file).read_text().splitlines()[problem.position.line - 1]


def _each(mutations: list[SceneMutations], seeds: list[int]) -> Any:
    for seed in seeds:
        one = mutations[seed % len(mutations)]
        cook_without_problems(one.scene)
        yield from damaged(one, [seed])
