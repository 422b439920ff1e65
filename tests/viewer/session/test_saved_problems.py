"""Problems of files that are written slowly are said once they stay, and each is said once."""

from __future__ import annotations

from engine.humon import Position, Problem
from viewer.session.saved_problems import LONGEST_S, REST_S, SavedProblems


def ends(byte: int, file: str = "a.hu", line: int = 3) -> Problem:
    return Problem("asset.broken", f"the file ends at byte {byte}", Position(file, line, 1))


def test_no_state_of_a_file_that_is_written_for_eight_seconds_is_said() -> None:
    saved = SavedProblems(())
    for step in range(16):
        assert saved.take((ends(step),), step / 2) == ([], 0)
    assert saved.take((), 8.0) == ([], 0)
    assert saved.take((), 20.0) == ([], 0)


def test_what_stays_is_said_once() -> None:
    saved = SavedProblems(())
    assert saved.take((ends(1),), 0.0) == ([], 0)
    assert saved.take((ends(1),), 0.9 * REST_S) == ([], 0)
    assert saved.take((ends(1),), REST_S) == ([ends(1)], 1)
    assert saved.take((ends(1),), 9.0) == ([], 0)


def test_what_was_mended_and_is_there_again_is_said_again() -> None:
    saved = SavedProblems((ends(1),))
    assert saved.take((ends(1),), 5.0) == ([], 0)
    saved.take((), 6.0)
    saved.take((), 8.0)
    saved.take((ends(1),), 9.0)
    assert saved.take((ends(1),), 9.0 + REST_S) == ([ends(1)], 1)


def test_a_problem_that_moves_to_another_line_is_not_said_again() -> None:
    saved = SavedProblems((ends(1),))
    for number in range(4, 8):
        saved.take((ends(1, line=number),), 2.0 * number)
        assert saved.take((ends(1, line=number),), 2.0 * number + 1) == ([], 0)


def test_a_second_problem_of_the_kind_is_said_and_not_counted() -> None:
    saved = SavedProblems((ends(1),))
    saved.take((ends(1, line=3), ends(1, line=9)), 0.0)
    assert saved.take((ends(1, line=3), ends(1, line=9)), 2.0) == ([ends(1, line=9)], 0)
    saved.take((ends(1, line=8),), 4.0)
    assert saved.take((ends(1, line=8),), 6.0) == ([], 0)


def test_a_problem_in_place_of_another_one_is_said_though_it_was_there_before() -> None:
    saved = SavedProblems((ends(1),))
    for time, byte in ((0.0, 2), (4.0, 1)):
        saved.take((ends(byte),), time)
        assert saved.take((ends(byte),), time + 2.0)[0] == [ends(byte)]


def test_another_file_does_not_wait_for_the_one_that_changes() -> None:
    saved = SavedProblems(())
    said = []
    for step in range(8):
        said += saved.take((ends(step), ends(0, "b.hu")), step / 2)[0]
    assert said == [ends(0, "b.hu")]


def test_a_file_that_never_rests_is_said_in_the_end() -> None:
    saved = SavedProblems(())
    said = []
    for step in range(int(3 * LONGEST_S)):
        said += saved.take((ends(step),), step / 2)[0]
    assert len(said) == 1
