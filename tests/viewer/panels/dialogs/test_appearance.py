"""Theme, colours and size of the interface, chosen by commands and kept."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.mouse import session_of

from engine.tableau.tableau import Tableau
from viewer.panels.dialogs.appearance import appearance_commands
from viewer.session.preferences import SCALES
from viewer.session.session import Session
from viewer.ui import style


@pytest.fixture
def session() -> Iterator[Session]:
    made = session_of(Tableau())
    made.commands.add(*appearance_commands(made))
    yield made
    style.choose("dark")


def run(session: Session, title: str) -> None:
    session.commands.find(title).run()


def test_the_theme_and_the_colours_are_switched_and_kept(session: Session) -> None:
    dark = tuple(style.GROUND)
    run(session, "Light theme")
    assert session.preferences.theme == "light"
    assert style.GROUND[0] > 0.8
    run(session, "Colours without red and green")
    assert (session.preferences.theme, session.preferences.safe_colors) == ("light", True)
    run(session, "Light theme")
    assert tuple(style.GROUND) == dark
    assert session.preferences.safe_colors
    checked = session.commands.find("Colours without red and green").is_checked
    assert checked is not None
    assert checked()


def test_the_interface_grows_and_shrinks_within_bounds(session: Session) -> None:
    run(session, "Larger interface")
    assert session.preferences.scale == pytest.approx(1.1)
    for _ in range(40):
        run(session, "Larger interface")
    assert session.preferences.scale == SCALES[1]
    for _ in range(80):
        run(session, "Smaller interface")
    assert session.preferences.scale == SCALES[0]
    run(session, "Usual size of the interface")
    assert session.preferences.scale == 1.0


def test_an_interface_that_a_window_has_no_room_for_shrinks_at_the_first_step(session: Session) -> None:
    for _ in range(40):
        run(session, "Larger interface")
    session.largest_scale = 2.0
    run(session, "Smaller interface")
    assert session.preferences.scale == pytest.approx(2.0 / 1.1, abs=0.001)
