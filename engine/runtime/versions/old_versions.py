"""Lets go of the versions of databases that nothing is drawn from any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.plan.terms.keys import asset_key
from engine.plan.terms.table import some

if TYPE_CHECKING:
    from engine.runtime.runtime import Runtime


def drop_old_versions(runtime: Runtime) -> list[int]:
    """Close the caches of versions that updates have replaced, and forget their assets; return their ids.

    Only while no plan is under way or due: what the frames that are drawn name stays, be it without data.
    """
    is_due = runtime.spread.is_busy or runtime.hold.is_on or runtime.planner.stale()
    if runtime.plan is None or not runtime.memory.settled or is_due:
        return []
    unused = runtime.library.unused()
    if unused:
        keys = runtime.plan.memory.subresources["key"]
        ends = [keys.searchsorted((asset_key(db, 0), asset_key(db + 1, 0))).tolist() for db in unused]
        drawn = {db for db, (first, end) in zip(unused, ends, strict=True) if first < end}
        for assets in runtime.needs.assets.values() if runtime.needs is not None else ():
            drawn |= {db for db in unused if some(assets >> 32 == db)}
        unused = sorted(set(unused) - drawn - runtime.planner.shader_dbs())
    if unused:
        runtime.planner.forget(unused)
        runtime.sources = runtime.sources.without(unused)
        runtime.memory.drop_caches(unused)
        runtime.resident.forget_windows(unused)
        runtime.scene.forget(unused)
        runtime.library.drop(unused)
    return unused
