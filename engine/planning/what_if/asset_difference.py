"""What cooking would change: by asset, and in bytes on a device; nothing of the scene's caches is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.assets import AssetLibrary, AssetRef
from engine.assets.cache.cache import Entry
from engine.assets.cook import ProgressCallback, cache_path, cook_database
from engine.assets.database import builtin_db
from engine.assets.updating.asset_changes import AssetChange
from engine.assets.updating.asset_index import AssetIndex
from engine.assets.updating.library_update import LibraryUpdate
from engine.assets.updating.patch import cook_aside, patches_of
from engine.assets.updating.previous import previous_db
from engine.assets.updating.side_file import SideFile
from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.text.plan_difference import difference
from engine.planning.offline import SIZE, settled_frame
from engine.scene import Scene
from engine.scene.snapshot import move_assets


@dataclass(frozen=True, slots=True)
class AssetDifference:
    """What is not as it was cooked: `changes` by asset, and bytes.

    `cooked` bytes are made of sources, also those that turn out to be as before. `laid_out` of them are of
    assets whose size or facts are others, so that they cannot take the places of the earlier ones. `moved`
    are copied within the device, `transferred`
    to it; `allocated` and `freed` are whole allocations, `planned` what the scene takes with the bytes that
    its caches have and with the new ones. `made` are the results of what was cooked aside, by the name of the
    database and the identity of the recipe.
    """

    changes: tuple[AssetChange, ...]
    made: Mapping[str, Mapping[str, Entry]]
    cooked: int = 0
    laid_out: int = 0
    moved: int = 0
    transferred: int = 0
    allocated: int = 0
    freed: int = 0
    planned: tuple[int, int] = (0, 0)


def asset_difference(
    scene: Scene,
    profile: DeviceProfile,
    size: tuple[int, int] = SIZE,
    jobs: int = 1,
    progress: ProgressCallback | None = None,
) -> AssetDifference:
    """Return what cooking would change in a scene and on a device with this profile; writes no cache of it.

    The scene is planned twice: as its caches have it, and with what has changed since, which is cooked aside.
    The schedule between both says what is moved and transferred. `progress` is called while it is cooked.
    Gives the scene's tableau the keys of changed assets. Raises PlanError where the device cannot hold it.
    """
    before = [previous_db(db) for db in scene.dbs]
    library = AssetLibrary([cook_database(builtin_db(), jobs=jobs), *(one for one, _ in before)])
    side = SideFile(cache_path(before[0][0].db).parent if before else None)
    try:
        with library:
            planner, needs = settled_frame(scene, library, profile, size)
            old = planner.plan(needs)
            indices = {one.db.name: AssetIndex(one) for one, _ in before}
            images = {
                one.db.name: cook_aside(recipes, one.db.root, side, jobs, progress)
                for one, recipes in before
                if recipes
            }
            made = {
                name: {entry.identity: entry for entry in image.entries} for name, image in images.items()
            }
            update, _ = patches_of(library, indices, images)
            cooked = sum(entry.size for entries in made.values() for entry in entries.values())
            if update is None:
                return AssetDifference((), made, cooked, planned=(old.planned_bytes,) * 2)
            earlier = {now: then for then, now in update.moves.items()}
            library.apply(update)
            move_assets(scene.tableau, update.moves)
            found = difference(old, planner.plan(planner.needs(), old))
            return AssetDifference(
                update.changes,
                made,
                cooked,
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
