"""Clicks select what they hit, when the answer is there."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

import pytest
from support.mouse import session_of

from engine.planning.picking import PickHit
from engine.tableau.tableau import Tableau
from viewer.panels.scene_view.scene_picker import ScenePicker
from viewer.session.session import Session


class Answers:
    """Picks that are answered when the test wants it."""

    def __init__(self) -> None:
        self.tableau = Tableau()
        self.rows = [self.tableau.add_object(name).row for name in ("a", "b")]
        self.asked: list[Future[PickHit | None]] = []
        self.session: Session = session_of(self.tableau, pick=self.pick)
        self.picker = ScenePicker(self.session)

    def pick(self, *_: Any) -> Future[PickHit | None]:
        self.asked.append(Future())
        return self.asked[-1]

    def click(self, row: int | None, **how: bool) -> list[int]:
        self.picker.pick((1, 2), **how)
        self.picker.poll()
        self.answer(row)
        return self.selected

    def answer(self, row: int | None, which: int = -1) -> None:
        hit = None
        if row is not None:
            hit = PickHit(self.tableau.handle(row), "visibleModel", 0, (1.0, 2.0, 3.0), 1.0)
        self.asked[which].set_result(hit)
        self.picker.poll()

    @property
    def selected(self) -> list[int]:
        return self.session.selection.objects.tolist()


@pytest.fixture
def answers() -> Answers:
    return Answers()


def test_a_click_selects_the_object_alone_when_the_answer_is_there(answers: Answers) -> None:
    answers.picker.pick((1, 2))
    answers.picker.poll()
    assert answers.selected == []
    assert answers.picker.pending
    assert answers.session.is_awake, "frames go on until the answer is there"
    answers.answer(answers.rows[0])
    assert answers.selected == [answers.rows[0]]
    assert answers.picker.place == (1.0, 2.0, 3.0)
    assert answers.click(answers.rows[1]) == [answers.rows[1]]


def test_shift_adds_and_ctrl_toggles(answers: Answers) -> None:
    first, second = answers.rows
    answers.click(first)
    assert answers.click(second, add=True) == [first, second]
    assert answers.click(second, add=True) == [first, second]
    assert answers.click(first, toggle=True) == [second]
    assert answers.click(first, toggle=True) == [first, second]


def test_a_click_on_nothing_clears_unless_it_was_to_add(answers: Answers) -> None:
    answers.click(answers.rows[0])
    assert answers.click(None, add=True) == [answers.rows[0]]
    assert answers.click(None) == []


def test_only_the_last_click_counts(answers: Answers) -> None:
    answers.picker.pick((1, 2))
    answers.picker.pick((3, 4))
    answers.asked[0].set_result(None)
    answers.answer(answers.rows[1])
    assert answers.selected == [answers.rows[1]]


def test_an_object_that_is_gone_when_the_answer_comes_is_not_selected(answers: Answers) -> None:
    answers.picker.pick((1, 2))
    hit = PickHit(answers.tableau.handle(answers.rows[0]), "visibleModel", 0, (0.0, 0.0, 0.0), 1.0)
    answers.tableau.remove("a")
    answers.asked[-1].set_result(hit)
    answers.picker.poll()
    assert answers.selected == []


def test_a_mesh_that_cannot_be_read_is_reported(answers: Answers) -> None:
    reported: list[str] = []
    answers.session.report = reported.append
    answers.picker.pick((1, 2))
    answers.asked[-1].set_exception(OSError("no cache"))
    answers.picker.poll()
    assert reported == ["warning[viewer.pick]: nothing can be picked here: no cache"]
