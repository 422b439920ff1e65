"""What a scene under test reports of its frames does not grow for ever."""

from engine.testing.scene.latest import KEPT, Latest


def test_the_latest_are_kept_and_the_oldest_go() -> None:
    latest: Latest[int] = Latest()
    for number in range(7 * KEPT + 5):
        latest.append(number)
        assert min(number + 1, KEPT) <= len(latest) < 2 * KEPT
        assert latest[-1] == number
    assert latest == list(range(6 * KEPT, 7 * KEPT + 5))
