"""The problems of a running scene: its own, unreadable caches, and pipelines that a device refuses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from engine.assets import AssetLibrary, AssetRef
from engine.assets.codes import AssetCode
from engine.humon import Problem, Severity
from engine.planning.offline import scene_problems
from engine.runtime.trials.trial import Outcome, Verdict

if TYPE_CHECKING:
    from engine.memory.streaming.manager import MemoryManager
    from engine.planning.scene import ScenePlanner
    from engine.scene import Scene

CACHE = "memory.cache"
PIPELINE = "shader.pipeline"
TRIAL = "shader.trial"
UNTRIED = "shader.untried"

_AGAIN = "it is tried again once the shader or the driver is another one"
_TRIALS = {
    Verdict.REFUSED: (PIPELINE, "the driver makes no pipeline of {names}: {why}", _AGAIN),
    Verdict.FAILED: (TRIAL, "the driver does not survive {names}: the process that tried them {why}", _AGAIN),
    Verdict.INVALID: (
        AssetCode.SHADER_SPIRV,
        "{names} in the cache: {why}",
        "it is cooked again when it is opened next, where the cache can be deleted",
    ),
    Verdict.UNTRIED: (
        UNTRIED,
        "{names} cannot be tried in another process: {why}",
        "a shader is drawn with once the driver has compiled it there",
    ),
}
"""Code, message and advice for each verdict."""


def all_problems(
    scene: Scene,
    library: AssetLibrary,
    planner: ScenePlanner,
    memory: MemoryManager,
    refused: Mapping[tuple[int, ...], str],
    failed: Mapping[tuple[int, ...], Outcome],
) -> tuple[Problem, ...]:
    """Return all problems of a scene, its assets, features and materials, caches, pipelines and trials."""
    return (
        *scene_problems(scene, library, planner),
        *cache_problems(library, memory),
        *pipeline_problems(library, refused),
        *trial_problems(library, failed),
    )


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


def trial_words(outcome: Outcome, names: str) -> tuple[str, str, str]:
    """Return the code, the message and the advice for shaders of these names that a trial has shown unfit."""
    code, text, advice = _TRIALS[outcome.verdict]
    return code, text.format(names=names, why=outcome.reason), advice


def trial_problems(library: AssetLibrary, failed: Mapping[tuple[int, ...], Outcome]) -> Iterator[Problem]:
    """Yield a warning for shaders, by their keys, that are not drawn with since a trial, at the first one.

    There is none for shaders that were refused, or saved again since.
    """
    for keys, outcome in failed.items():
        refs = [AssetRef.from_key(key) for key in keys]
        if not all(map(library.is_newest, refs)):
            continue
        names = ", ".join(library.record(ref).label for ref in refs)
        code, text, advice = trial_words(outcome, names)
        db = library.dbs[refs[0].db]
        yield db.document.problem(
            code,
            text,
            db.node(refs[0]),
            f"the placeholder is drawn instead; {advice}",
            Severity.WARNING,
        )
