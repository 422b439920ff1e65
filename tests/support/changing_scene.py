"""A scene that changes at random: switches, moves, objects that come and go, other assets."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.scene import Scene

CHANGES = ["switch"] * 6 + ["switch_all", "move", "add", "add_many", "remove", "assign", "nothing"]
MOST_OBJECTS = 200
"""With more, half as many go at once: so that a thousand steps take as long as the first ones."""


class ChangingScene:
    """Changes the tableau of a scene from `support.many_models` with so many models and objects."""

    def __init__(self, scene: Scene, models: int, objects: int, rng: np.random.Generator) -> None:
        self.scene, self.rng = scene, rng
        self.names = [f"o{i}" for i in range(objects)]
        self.added = 0
        self.models = [scene.asset("db", f"o{i}", ("model",)) for i in range(models)]

    def change(self) -> str:
        """Make one change and return its name."""
        name = str(self.rng.choice(CHANGES))
        getattr(self, name)()
        return name

    def _some(self) -> Any:
        return self.scene.tableau[str(self.rng.choice(self.names))] if self.names else None

    def switch(self) -> None:
        for _ in range(int(self.rng.integers(1, 4))):
            thing = self._some()
            feature = str(self.rng.choice(["", "visibleModel", "shadowCaster"]))
            if feature and thing is not None:
                row = np.array([thing.row])
                thing = thing[feature] if self.scene.tableau.has_feature(feature, row).all() else None
            if thing is not None:
                flag = str(self.rng.choice(["active", "enabled"]))
                setattr(thing, flag, not getattr(thing, flag))

    def switch_all(self) -> None:
        flag = str(self.rng.choice(["active", "enabled"]))
        setattr(self.scene.tableau, flag, not getattr(self.scene.tableau, flag))

    def move(self) -> None:
        if (thing := self._some()) is not None:
            thing.translation = self.rng.uniform(-9, 9, 3)

    def add(self) -> None:
        self.added += 1
        model = {"asset": self.models[int(self.rng.integers(len(self.models)))]}
        caster = {"shadowCaster": model} if self.rng.random() < 0.7 else {}
        name = f"added{self.added}"
        self.scene.tableau.add_object(name, features={"visibleModel": model, **caster})
        self.names.append(name)

    def add_many(self) -> None:
        if len(self.names) > MOST_OBJECTS:
            self._remove(MOST_OBJECTS // 2)
            return
        count = int(self.rng.integers(2, 40))
        rows = self.scene.tableau.add_objects(translation=self.rng.uniform(-9, 9, (count, 3)))
        model = {"asset": self.models[int(self.rng.integers(len(self.models)))]}
        self.scene.tableau.add_feature("visibleModel", rows, model)
        self.names += [self.scene.tableau.name_of(row) for row in rows.tolist()]

    def remove(self) -> None:
        self._remove(int(self.rng.integers(1, 5)))

    def _remove(self, count: int) -> None:
        for _ in range(count):
            if self.names:
                self.scene.tableau.remove(self.names.pop(int(self.rng.integers(len(self.names)))))

    def assign(self) -> None:
        if (thing := self._some()) is not None:
            thing.visibleModel.asset = self.models[int(self.rng.integers(len(self.models)))]

    def nothing(self) -> None:
        """The frame after a change."""
