"""Lets go of the versions of databases that nothing is drawn from any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from engine.runtime.runtime import Runtime


def drop_old_versions(runtime: Runtime) -> list[int]:
    """Close the caches of versions that updates have replaced, and forget their assets; return their ids.

    Only while no plan is under way: what the plan that is drawn names stays.
    """
    if runtime.plan is None or not runtime.memory.settled or runtime.spread.is_busy:
        return []
    unused = runtime.library.unused()
    if unused:
        rows = runtime.plan.memory.subresources
        drawn = set(np.unique(rows["key"] >> 32).tolist()) | runtime.planner.shader_dbs()
        unused = sorted(set(unused) - drawn)
    if unused:
        runtime.planner.forget(unused)
        runtime.sources = runtime.sources.without(unused)
        runtime.memory.drop_caches(unused)
        runtime.resident.forget_windows(unused)
        runtime.scene.forget(unused)
        runtime.library.drop(unused)
    return unused
