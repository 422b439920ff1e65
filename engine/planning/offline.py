"""Plans a scene for a device profile, without a device."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.assets import open_library
from engine.humon import Problem
from engine.plan.model.plan import Plan
from engine.plan.profile.device_profile import DeviceProfile
from engine.planning.scene import ScenePlanner
from engine.scene import load_scene


@dataclass(frozen=True)
class PlannedScene:
    """A scene's plan, and the problems reported while it was made."""

    plan: Plan
    problems: tuple[Problem, ...]


def plan_scene(
    path: Path,
    profile: DeviceProfile,
    size: tuple[int, int] = (1280, 720),
    settings: Sequence[str] = (),
    progress: Callable[[int, int, str], None] | None = None,
) -> PlannedScene:
    """Plan a scene for a device profile and a picture of `size` pixels; `settings` as for `--set`.

    Raises InputError where the scene cannot be read, PlanError where the device cannot hold it.
    """
    scene = load_scene(path)
    for setting in settings:
        scene.apply_setting(setting)
    with open_library(scene.dbs, progress=progress) as library:
        planner = ScenePlanner(scene.tableau, scene.registry, library, profile, size)
        plan = planner.plan(planner.needs())
        problems = [*scene.warnings, *scene.tableau.warnings, *library.problems, *planner.problems]
        return PlannedScene(plan, tuple(dict.fromkeys(problems)))
