"""The last shadow caster is switched off and on: bytes, picture and map of memory agree in every frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from imgui_bundle import imgui
from support.mouse import Mouse, drawn, mouse, quiet, workspace_of
from support.scenes import CUBE

from engine.assets import open_library
from engine.runtime.options import RuntimeOptions
from engine.runtime.runtime import Runtime
from engine.scene import load_scene
from viewer.panels.memory import plan_models
from viewer.panels.memory.map_panel import MapPanel
from viewer.panels.memory.plan_models import SharedModels
from viewer.panels.panel import Dock, Placed
from viewer.session.session import Session

pytestmark = pytest.mark.gpu

__all__ = ["mouse"]

SHADOW_MAP = 16 << 20
MOST_FRAMES = 60
TALL = (1280, 2400)
"""A window in which every row of the map is in sight."""


@dataclass(frozen=True)
class Moment:
    """A frame of the story: bytes of the device, what the map draws of them, and the picture."""

    live: int
    planned: int
    on_map: int
    leaving: int
    names: frozenset[str]
    steps: int
    picture: np.ndarray
    settled: bool


class Story:
    """A scene with the map of its memory, one frame at a time."""

    def __init__(self, runtime: Runtime, mouse: Mouse) -> None:
        self.runtime, self._mouse = runtime, mouse
        self._session = Session(runtime, lambda problem: quiet("report", str(problem)))
        self._shared = SharedModels(self._session)
        self._panel = MapPanel(self._session, self._shared)
        self._draw = drawn(workspace_of(self._session, [Placed(self._panel, Dock.BOTTOM)]), self._session)
        imgui.get_io().display_size = TALL
        for _ in range(3):
            self._mouse.frame(self._draw)

    def frame(self) -> Moment:
        """Draw one frame of the scene, then the map as it is then; every frame must be drawn."""
        facts = self.runtime.frame()
        assert facts.drawn
        self._mouse.frame(self._draw)
        models = self._shared.models()
        assert models is not None
        state = self._panel.state
        assert state._drawn is not None
        names = frozenset(named.text for named in state._drawn[1].names)
        memory, places = self.runtime.memory, models.places
        leaving = int(places.allocations["size"][places.extra].sum())
        return Moment(
            memory.live_bytes,
            models.plan.planned_bytes,
            places.total,
            leaving,
            names,
            memory.statistics.steps,
            self.runtime.read_pixels(),
            facts.settled,
        )

    def until_settled(self) -> list[Moment]:
        """Draw from a change until nothing is left to do."""
        moments = [self.frame()]
        while not moments[-1].settled:
            moments.append(self.frame())
            assert len(moments) < MOST_FRAMES
        return moments


@pytest.fixture
def story(mouse: Mouse, monkeypatch: pytest.MonkeyPatch) -> Iterator[Story]:
    monkeypatch.setattr(plan_models, "EVERY_S", 0.0)  # the map looks in every frame
    scene = load_scene(CUBE)
    with open_library(scene.dbs) as library:
        made = Runtime(scene, library, RuntimeOptions(size=(96, 72)))
        with made:
            made.settle()
            yield Story(made, mouse)
        assert [str(message) for message in made.instance.messages.all] == []
        assert [str(entry) for entry in made.instance.handles.leaks] == []


def test_the_shadow_map_leaves_memory_map_and_picture_together_and_comes_back(story: Story) -> None:
    story.frame()
    at_rest = story.frame()
    assert "shadowMap" in at_rest.names
    assert (at_rest.on_map, at_rest.leaving) == (at_rest.live, 0)

    story.runtime.tableau["cube"].shadowCaster.active = False
    off = story.until_settled()
    without = off[-1].picture
    for moment in off:
        assert "shadowMap" not in moment.names
        assert moment.on_map == moment.live, "the map has each byte of the device"
        assert moment.live == moment.planned + moment.leaving
        assert np.array_equal(moment.picture, without), "no frame has half a shadow"
    assert off[0].leaving >= SHADOW_MAP, "what no plan wants is drawn while it leaves"
    assert [moment.live for moment in off] == sorted((moment.live for moment in off), reverse=True)
    assert off[-1].leaving == 0
    assert at_rest.live - off[-1].live >= SHADOW_MAP
    assert off[-1].steps > at_rest.steps
    assert not np.array_equal(without, at_rest.picture)

    story.runtime.tableau["cube"].shadowCaster.active = True
    on = story.until_settled()
    for moment in on:
        assert "shadowMap" in moment.names
        assert moment.live <= moment.planned
        is_whole = np.array_equal(moment.picture, at_rest.picture)
        assert is_whole or np.array_equal(moment.picture, without), "no frame has half a shadow"
    assert np.array_equal(on[-1].picture, at_rest.picture)
    assert (on[-1].live, on[-1].on_map) == (at_rest.live, at_rest.on_map)
    assert on[-1].names == at_rest.names


def test_pressing_faster_than_the_schedule_runs_ends_as_it_began(story: Story) -> None:
    story.frame()
    at_rest = story.frame()
    caster = story.runtime.tableau["cube"].shadowCaster
    for _ in range(3):
        caster.active = not caster.active
        moment = story.frame()
        assert moment.live <= at_rest.live + SHADOW_MAP + (1 << 20), "at most one more is under way"
        assert moment.on_map == moment.live or moment.live < moment.planned
    caster.active = True
    end = story.until_settled()[-1]
    assert (end.live, end.on_map, end.names) == (at_rest.live, at_rest.on_map, at_rest.names)
    assert np.array_equal(end.picture, at_rest.picture)
