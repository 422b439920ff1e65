"""The command palette: what it offers, and running it by keys and mouse."""

from __future__ import annotations

import pytest
from imgui_bundle import imgui
from support.mouse import Mouse, middle, mouse, quiet, session_of

from engine.tableau.schema import FeatureSchema
from engine.tableau.tableau import Tableau
from viewer.guard import Guard
from viewer.panels.dialogs.command_palette import CommandPalette
from viewer.panels.dialogs.palette_model import MAX_ENTRIES, PaletteModel
from viewer.session.commands import Command
from viewer.session.session import Session

__all__ = ["mouse"]


@pytest.fixture
def done() -> list[str]:
    return []


@pytest.fixture
def session(done: list[str]) -> Session:
    tableau = Tableau([FeatureSchema("light")])
    for name in ("Sun", "sundial", "under the sun", "rock", "a##b, %s"):
        tableau.add_object(name, features={"light": {}} if name == "Sun" else {})
    made = session_of(tableau)
    made.commands.add(
        Command("Save", "File", lambda: done.append("save"), ("Ctrl+S",)),
        Command("Save all", "File", lambda: done.append("all")),
        Command("Never", "File", lambda: done.append("never"), is_enabled=lambda: False),
        Command("Undo", "Edit", lambda: done.append("undo")),
    )
    return made


def texts(model: PaletteModel, text: str) -> list[str]:
    model.search(text)
    return [entry.text for entry in model.entries]


def test_it_offers_what_can_be_done_now(session: Session) -> None:
    model = PaletteModel(session)
    assert texts(model, "") == ["Save", "Save all", "Undo"]
    assert texts(model, "file all") == ["Save all"]
    assert texts(model, "zzz") == []


def test_what_was_run_last_is_offered_first(session: Session, done: list[str]) -> None:
    model = PaletteModel(session)
    model.search("undo")
    model.entries[0].run()
    assert done == ["undo"]
    assert texts(model, "") == ["Undo", "Save", "Save all"]


def test_objects_are_found_after_an_at_and_selected(session: Session) -> None:
    model = PaletteModel(session)
    assert texts(model, "@sun") == ["Sun", "sundial", "under the sun"]
    assert model.entries[0].detail == "light"
    model.entries[1].run()
    assert session.selection.objects.tolist() == [session.runtime.tableau["sundial"].row]
    assert texts(model, "@##b, %") == ["a##b, %s"]


def test_more_objects_than_are_offered_are_counted(session: Session) -> None:
    session.runtime.tableau.add_objects(MAX_ENTRIES + 5, prefix="pebble")
    model = PaletteModel(session)
    assert len(texts(model, "@pebble")) == MAX_ENTRIES
    assert model.total == MAX_ENTRIES + 5


def test_an_object_that_is_gone_is_not_selected(session: Session) -> None:
    model = PaletteModel(session)
    model.search("@rock")
    session.runtime.tableau.remove("rock")
    model.entries[0].run()
    assert not len(session.selection.objects)


def test_enter_runs_the_chosen_entry_arrows_choose_and_a_click_runs(
    mouse: Mouse, session: Session, done: list[str]
) -> None:
    palette = CommandPalette(session, Guard(quiet))

    def draw() -> None:
        session.places.clear()
        palette.draw()

    def open_it() -> None:
        palette.open("")
        mouse.frame(draw)
        mouse.frame(draw)

    open_it()
    imgui.get_io().add_input_characters_utf8("save")
    mouse.frame(draw)
    mouse.press(draw, imgui.Key.down_arrow)
    mouse.press(draw, imgui.Key.enter)
    assert done == ["all"]
    assert not session.places, "it is closed"
    open_it()
    assert "palette Undo" in session.places
    mouse.click(draw, *middle(session.places["palette Undo"]))
    assert done == ["all", "undo"]
    open_it()
    mouse.press(draw, imgui.Key.escape)
    assert not session.places
    assert done == ["all", "undo"]
