"""The problems that only a device can have: caches that became unreadable, pipelines that it refuses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from engine.assets import AssetLibrary, AssetRef
from engine.humon import Problem, Severity

if TYPE_CHECKING:
    from engine.memory.streaming.manager import MemoryManager

CACHE = "memory.cache"
PIPELINE = "shader.pipeline"


def cache_problems(library: AssetLibrary, memory: MemoryManager) -> Iterator[Problem]:
    """Yield a warning for each cache from which no more bytes can be read."""
    advice = "users of the missing assets draw fallbacks; open the scene again to cook it again"
    for db, why in memory.cache_problems:
        text = f"the cache of {library.dbs[db].name} cannot be read: {why}; cook it again"
        yield Problem(CACHE, text, help=advice, severity=Severity.WARNING)


def pipeline_problems(library: AssetLibrary, refused: Mapping[tuple[int, ...], str]) -> Iterator[Problem]:
    """Yield a warning for shaders, by their keys, of which the driver makes no pipeline, at the first one."""
    for keys, why in refused.items():
        refs = [AssetRef.from_key(key) for key in keys]
        names = ", ".join(library.record(ref).label for ref in refs)
        db = library.dbs[refs[0].db]
        yield db.document.problem(
            PIPELINE,
            f"the driver makes no pipeline of {names}: {why}",
            db.node(refs[0]),
            "nothing is drawn with them; use shaders that this device can run",
            Severity.WARNING,
        )
