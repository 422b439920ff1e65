"""Plans a scene for a device profile without a device, and finds its problems."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.assets import AssetLibrary, open_library
from engine.assets.problems import listed_once
from engine.feature.motion import Animator
from engine.humon import Problem
from engine.plan.model.plan import Plan
from engine.plan.profile.device_profile import DeviceProfile
from engine.planning.needs import FrameNeeds
from engine.planning.scene import ScenePlanner
from engine.planning.values import FrameValues
from engine.scene import Scene, load_scene

SIZE = (1280, 720)
"""Width and height of the picture in pixels, where none is given."""


@dataclass(frozen=True)
class PlannedScene:
    """A scene's plan, and the problems reported while it was made."""

    plan: Plan
    problems: tuple[Problem, ...]


def plan_scene(
    path: Path,
    profile: DeviceProfile,
    size: tuple[int, int] = SIZE,
    settings: Sequence[str] = (),
    progress: Callable[[int, int, str], None] | None = None,
    check: Callable[[Iterable[Path]], None] = lambda files: None,
) -> PlannedScene:
    """Plan a scene for a device profile and a picture of `size` pixels; `settings` as for `--set`.

    `check` is called with the files that are read: those of the scene before anything is cooked, and those
    that its assets were made of before it is planned.
    Raises InputError where the scene cannot be read, PlanError where the device cannot hold it.
    """
    scene = load_scene(path)
    check(scene.inputs())
    for setting in settings:
        scene.apply_setting(setting)
    with open_library(scene.dbs, progress=progress) as library:
        check(library.sources())
        planner, needs = settled_frame(scene, library, profile, size)
        plan = planner.plan(needs)
        return PlannedScene(plan, scene_problems(scene, library, planner))


def find_problems(scene: Scene, library: AssetLibrary, profile: DeviceProfile) -> tuple[Problem, ...]:
    """Return the problems that drawing a scene on a device with this profile reports, without planning it."""
    planner, _ = settled_frame(scene, library, profile, SIZE)
    return scene_problems(scene, library, planner)


def scene_problems(scene: Scene, library: AssetLibrary, planner: ScenePlanner) -> tuple[Problem, ...]:
    """Return all problems of a scene, its assets, features and materials so far, each once."""
    of_planner = planner.problems  # code of features may raise meanwhile, which is a warning of the tableau
    found = [*scene.warnings, *scene.tableau.warnings, *scene.asset_problems(library)]
    return listed_once([*found, *scene.registry.problems, *of_planner])


def settled_frame(
    scene: Scene, library: AssetLibrary, profile: DeviceProfile, size: tuple[int, int]
) -> tuple[ScenePlanner, FrameNeeds]:
    """Return the planner and the needs of a frame, once no more code of features raises in it."""
    planner = ScenePlanner(scene.tableau, scene.registry, library, profile, size)
    values = FrameValues(scene.registry, scene.tableau, planner.guard, library, planner.skins, planner.morphs)
    animator = Animator(scene.tableau, scene.registry, library, planner.guard, planner.morphs)
    while True:
        animator.update()
        scene.tableau.update_world()
        needs = planner.needs()
        planner.visibility(needs)
        values.block(needs.tables, needs.frame, size, needs.columns, needs.placed)
        if not planner.stale():
            return planner, needs
