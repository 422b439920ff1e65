"""Plans a scene for a device profile without a device; finds problems, and what cooking would change."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.assets import AssetLibrary, AssetRef, open_library
from engine.assets.cook import cache_path, cook_database
from engine.assets.database import builtin_db
from engine.assets.updating.asset_changes import AssetChange
from engine.assets.updating.asset_index import AssetIndex
from engine.assets.updating.library_update import LibraryUpdate
from engine.assets.updating.patch import make_patches
from engine.assets.updating.previous import previous_db
from engine.assets.updating.side_file import SideFile
from engine.humon import Problem
from engine.plan.model.plan import Plan
from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.text.plan_difference import difference
from engine.planning.needs import FrameNeeds
from engine.planning.scene import ScenePlanner
from engine.planning.values import FrameValues
from engine.scene import Scene, load_scene
from engine.scene.snapshot import move_assets

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
) -> PlannedScene:
    """Plan a scene for a device profile and a picture of `size` pixels; `settings` as for `--set`.

    Raises InputError where the scene cannot be read, PlanError where the device cannot hold it.
    """
    scene = load_scene(path)
    for setting in settings:
        scene.apply_setting(setting)
    with open_library(scene.dbs, progress=progress) as library:
        planner, needs = _frame(scene, library, profile, size)
        plan = planner.plan(needs)
        return PlannedScene(plan, scene_problems(scene, library, planner))


def find_problems(scene: Scene, library: AssetLibrary, profile: DeviceProfile) -> tuple[Problem, ...]:
    """Return the problems that drawing a scene on a device with this profile reports, without planning it."""
    planner, _ = _frame(scene, library, profile, SIZE)
    return scene_problems(scene, library, planner)


def scene_problems(scene: Scene, library: AssetLibrary, planner: ScenePlanner) -> tuple[Problem, ...]:
    """Return all problems of a scene, its assets, features and materials so far, each once."""
    found = [*scene.warnings, *scene.tableau.warnings, *library.problems]
    return tuple(dict.fromkeys([*found, *scene.registry.problems, *planner.problems]))


def _frame(
    scene: Scene, library: AssetLibrary, profile: DeviceProfile, size: tuple[int, int]
) -> tuple[ScenePlanner, FrameNeeds]:
    """Return the planner and the needs of a frame, once no more code of features raises in it."""
    planner = ScenePlanner(scene.tableau, scene.registry, library, profile, size)
    values = FrameValues(scene.registry, scene.tableau, planner.guard, library, planner.skins, planner.morphs)
    scene.tableau.update_world()
    while True:
        needs = planner.needs()
        planner.visibility(needs)
        values.block(needs.tables, needs.frame, size, needs.columns)
        if not planner.stale():
            return planner, needs


@dataclass(frozen=True, slots=True)
class AssetDifference:
    """What is not as it was cooked: `changes` by asset, and bytes.

    `cooked` bytes are made of sources, `laid_out` of them are of assets whose size or facts are others, so
    that they cannot take the places of the earlier ones. `moved` are copied within the device, `transferred`
    to it; `allocated` and `freed` are whole allocations, `planned` what the scene takes before and after.
    """

    changes: tuple[AssetChange, ...]
    cooked: int = 0
    laid_out: int = 0
    moved: int = 0
    transferred: int = 0
    allocated: int = 0
    freed: int = 0
    planned: tuple[int, int] = (0, 0)


def asset_difference(
    scene: Scene, profile: DeviceProfile, size: tuple[int, int] = SIZE, jobs: int = 1
) -> AssetDifference:
    """Return what cooking would change in a scene and on a device with this profile; writes no cache of it.

    The scene is planned twice: as its caches have it, and with what has changed since, which is cooked aside.
    The schedule between both says what is moved and transferred.
    Gives the scene's tableau the keys of changed assets. Raises PlanError where the device cannot hold it.
    """
    before = [previous_db(db) for db in scene.dbs]
    library = AssetLibrary([cook_database(builtin_db(), jobs=jobs), *(one for one, _ in before)])
    side = SideFile(cache_path(before[0][0].db).parent if before else None)
    try:
        with library:
            planner, needs = _frame(scene, library, profile, size)
            old = planner.plan(needs)
            indices = {one.db.name: AssetIndex(one) for one, _ in before}
            wanted = {one.db.name: recipes for one, recipes in before}
            update, _ = make_patches(library, indices, wanted, side, jobs)
            if update is None:
                return AssetDifference((), planned=(old.planned_bytes,) * 2)
            earlier = {now: then for then, now in update.moves.items()}
            library.apply(update)
            move_assets(scene.tableau, update.moves)
            found = difference(old, planner.plan(planner.needs(), old))
            return AssetDifference(
                update.changes,
                sum(change.size for change in update.changes),
                _laid_out(library, update, earlier),
                found.moved,
                found.transferred,
                found.allocated,
                found.freed,
                (old.planned_bytes, found.plan.planned_bytes),
            )
    finally:
        side.close()


def _laid_out(library: AssetLibrary, update: LibraryUpdate, earlier: Mapping[int, int]) -> int:
    """Return the bytes of changed assets of which the earlier version has other facts, or none."""
    total = 0
    for key, _, _, size in update.ranges.tolist():
        then = AssetRef.from_key(earlier[key])
        if library.is_broken(then) or library.facts(then) != library.facts(AssetRef.from_key(key)):
            total += size
    return total
