"""The state of a running test: its scene, the remembered moments, the goldens."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.humon import Node, suggestion
from engine.testing.goldens.goldens import comparable_plan_text
from engine.testing.hu.values import TestCode, fail

if TYPE_CHECKING:
    from engine.testing.goldens.goldens import Goldens
    from engine.testing.scene.frame import Frame
    from engine.testing.scene.memory_facts import MemoryFacts
    from engine.testing.scene.scene import OpenedScene
    from engine.testing.scene.schedule_facts import Done

OPENED = "opened"
"""The name of the moment at which the first step begins."""


@dataclass(frozen=True)
class Moment:
    """A scene's memory, plan, totals and picture at one moment; `frame` is None for a profile."""

    memory: MemoryFacts
    plan_text: str
    done: Done
    frame: Frame | None

    @classmethod
    def of(cls, scene: OpenedScene) -> Moment:
        """Capture everything that later claims may compare with."""
        frame = scene.frame() if scene.has_pixels else None
        return cls(scene.memory, comparable_plan_text(scene), scene.schedule.done, frame)


@dataclass
class Playback:
    """One running test."""

    scene: OpenedScene
    goldens: Goldens | None = None
    moments: dict[str, Moment] = field(default_factory=dict)

    def moment(self, node: Node) -> Moment:
        """Return the moment that `node` names; fails if no step has remembered it."""
        found = self.moments.get(node.text)
        if found is None:
            help_text = suggestion(node.text, self.moments) or "{ remember: NAME } is a step"
            raise fail(TestCode.MOMENT, f"no moment '{node.text}' was remembered before", node, help_text)
        return found

    def frame(self) -> Frame:
        """Draw a frame of the current state."""
        return self.scene.frame()
