"""An exception in a callback does not end the loop."""

from __future__ import annotations

from viewer.guard import Guard


def test_a_function_that_raises_is_reported_once_and_not_called_again() -> None:
    reported: list[tuple[str, str]] = []
    calls: list[int] = []
    guard = Guard(lambda name, message: reported.append((name, message)))

    def broken(value: int) -> int:
        calls.append(value)
        raise ValueError("no such thing")

    for value in range(3):
        assert guard.call("panel", broken, value) is None
    assert calls == [0]
    assert len(reported) == 1
    assert reported[0][0] == "panel"
    assert reported[0][1].startswith("ValueError: no such thing (")
    assert guard.switched_off == ("panel",)


def test_a_function_that_works_returns_its_result_and_others_go_on() -> None:
    guard = Guard(lambda name, message: None)
    guard.call("broken", lambda: 1 / 0)
    assert guard.call("sum", lambda a, b: a + b, 2, 3) == 5
