"""Opens model files as scenes and imports what is of the model, without the shaders and the sky around it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine.assets import AssetType
from engine.assets.cache.facts import Facts, facts_from_json
from engine.assets.cache.results import Result
from engine.assets.files import FileGate
from engine.assets.importers.models.model_files import is_model
from engine.assets.importing import import_recipes
from engine.assets.problems import problem_from_json
from engine.assets.recipes import recipes_of
from engine.humon import Problem
from engine.scene import Scene, load_scene


@dataclass(frozen=True)
class OpenedScene:
    """A scene around a model: the results of its imports by type and name, and all problems there are."""

    scene: Scene
    results: dict[tuple[AssetType, str], Result]
    problems: list[Problem]

    def made(self, kind: str, name: str) -> Result:
        """The result of an import that has not failed."""
        found = self.results[AssetType(kind), name]
        assert found.entry.failure == ()
        return found

    def facts(self, kind: str, name: str) -> Facts:
        """What is known of an import that has not failed."""
        return facts_from_json(AssetType(kind), self.made(kind, name).entry.facts)

    def content(self, kind: str, name: str) -> bytes:
        """The bytes of an import that has not failed."""
        return b"".join(bytes(piece) for piece in self.made(kind, name).pieces)


def open_scene(path: Path) -> OpenedScene:
    """Open a model file and import its parts. Raises InputError for one that cannot be used at all."""
    scene = load_scene(path)
    db = scene.dbs[0]
    recipes = [recipe for recipe in recipes_of(db).values() if is_model(recipe.source)]
    imported = import_recipes(recipes, FileGate(db.root), "", 1, None, lambda data: (data,))
    problems = list(scene.warnings)
    for result in imported.values():
        rows = (*result.entry.failure, *result.entry.warnings)
        problems += [problem_from_json(row, db.root) for row in rows]
    results = {(recipe.asset.type, recipe.asset.name): imported[recipe.identity] for recipe in recipes}
    return OpenedScene(scene, results, problems)
