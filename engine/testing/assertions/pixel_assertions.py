"""Assertions on pixels: equal, perceptually equal, changed, changed only inside a box, share of a colour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.testing.assertions.failure_messages import fail
from engine.testing.comparison.perceptual_difference import JUST_SEEN, differing
from engine.testing.comparison.pictures import LEVELS, SHARE, Difference, Picture, difference
from engine.testing.scene.frame import Box

Mask = NDArray[np.bool_]


def assert_same_pixels(
    actual: Picture,
    expected: Picture,
    *,
    levels: int = LEVELS,
    share: float = SHARE,
    box: Box | None = None,
    mask: Mask | None = None,
) -> Difference:
    """Assert that at most a `share` (0 to 1) of the pixels differ by more than `levels` in any channel.

    `box` and `mask`, bool[height, width], select the pixels to compare. Returns the difference.
    """
    __tracebackhide__ = True
    actual, expected, mask = _parts(actual, expected, box, mask)
    found = difference(expected, actual, levels, mask)
    if found.share > share:
        allowed = f"allowed are {levels} levels, and more in {share:.3%} of the pixels"
        fail(f"the pictures differ{_inside(box)}: {found}", [allowed, *_worst(expected, actual, mask)])
    return found


def assert_changed(
    actual: Picture, before: Picture, *, levels: int = LEVELS, share: float = SHARE, box: Box | None = None
) -> Difference:
    """Assert that more than a `share` (0 to 1) of the pixels changed by more than `levels`."""
    __tracebackhide__ = True
    actual, before, _ = _parts(actual, before, box, None)
    found = difference(before, actual, levels)
    if found.share <= share:
        wanted = f"expected a change of more than {levels} levels in over {share:.3%} of the pixels"
        fail(f"the picture has not changed{_inside(box)}: {found}", [wanted])
    return found


def assert_changed_only_inside(
    actual: Picture, before: Picture, box: Box, *, levels: int = LEVELS, share: float = 0.0
) -> Difference:
    """Assert that a picture changed inside `box`, and in at most a `share` of the pixels outside it."""
    __tracebackhide__ = True
    assert_changed(actual, before, levels=levels, box=box)
    actual, before, _ = _parts(actual, before, None, None)
    outside = np.ones(actual.shape[:2], np.bool_)
    box.of(outside)[:] = False
    found = difference(before, actual, levels, outside)
    if found.share > share:
        fail(f"the picture has changed outside the box {box}: {found}", _worst(before, actual, outside))
    return found


def assert_looks_same(
    actual: Picture, expected: Picture, *, seen: float = JUST_SEEN, share: float = SHARE
) -> None:
    """Assert that two pictures look the same (see `engine.testing.comparison.perceptual_difference`).

    At most a `share` (0 to 1) of the pixels may differ by more than `seen`, where 1 is just noticeable.
    """
    __tracebackhide__ = True
    actual, expected, _ = _parts(actual, expected, None, None)
    apart = differing(actual, expected)
    beyond = apart > seen
    if beyond.mean() > share:
        where = Box.around(beyond)
        y, x = np.unravel_index(int(apart.argmax()), apart.shape)
        fail(
            f"the pictures do not look the same: {beyond.mean():.3%} of the pixels differ by over {seen},"
            f" all inside {where}",
            [f"most at x {x}, y {y}: by {apart.max():.1f}; allowed are {share:.3%} of the pixels"],
        )


def assert_color(
    picture: Picture,
    color: Sequence[int],
    *,
    box: Box | None = None,
    levels: int = 24,
    at_least: float = 0.01,
    at_most: float = 1.0,
) -> float:
    """Assert the share (0 to 1) of the pixels that have a colour (sRGB, 0 to 255), and return it.

    A pixel has the colour if every channel is within `levels` of it. `at_least=0, at_most=0` asserts that no
    pixel has it.
    """
    __tracebackhide__ = True
    part = _colors(picture if box is None else box.of(picture))
    steps = np.abs(part.astype(np.int16) - np.array(color, np.int16)[:3])
    has = (steps <= levels).all(axis=2)
    share = float(has.mean())
    if not at_least <= share <= at_most:
        named = "#{:02x}{:02x}{:02x}".format(*color[:3])
        wanted = f"within {levels} levels; expected {at_least:.3%} to {at_most:.3%}"
        fail(
            f"{share:.3%} of the pixels{_inside(box)} have the colour {named}, {wanted}",
            [f"where: {Box.around(has) or 'nowhere'}", *_most_common(part)],
        )
    return share


def _parts(
    actual: Picture, expected: Picture, box: Box | None, mask: Mask | None
) -> tuple[Picture, Picture, Mask | None]:
    """Crop both pictures and the mask to the box; fails if their sizes differ."""
    __tracebackhide__ = True
    sizes = [f"{p.shape[1]}x{p.shape[0]}" for p in (actual, expected)]
    if sizes[0] != sizes[1]:
        fail(f"the pictures have different sizes: {sizes[0]}, expected {sizes[1]}")
    if mask is not None and mask.shape != actual.shape[:2]:
        fail(f"the mask is {mask.shape[1]}x{mask.shape[0]} pixels, the pictures {sizes[0]}")
    actual, expected = _colors(actual), _colors(expected)
    if box is not None:
        actual, expected = box.of(actual), box.of(expected)
        mask = None if mask is None else box.of(mask)
    return actual, expected, mask


def _colors(picture: Picture) -> Picture:
    return np.asarray(picture)[..., :3]


def _inside(box: Box | None) -> str:
    return "" if box is None else f" inside {box}"


def _worst(expected: Picture, actual: Picture, mask: Mask | None) -> list[str]:
    """Return the place of the largest difference, with both colours."""
    steps: NDArray[Any] = np.abs(expected.astype(np.int16) - actual.astype(np.int16)).max(axis=2)
    if mask is not None:
        steps = np.where(mask, steps, 0)
    y, x = np.unravel_index(int(steps.argmax()), steps.shape)
    was, is_ = expected[y, x].tolist(), actual[y, x].tolist()
    return [f"most at x {x}, y {y}: expected {tuple(was)}, is {tuple(is_)}"]


def _most_common(part: Picture) -> list[str]:
    """Return the three most common colours of a picture, in steps of 16 levels."""
    coarse = part.reshape(-1, 3) // 16 * 16 + 8
    colors, counts = np.unique(coarse, axis=0, return_counts=True)
    order = np.argsort(-counts)[:3]
    shares = [
        "#{:02x}{:02x}{:02x} {:.1%}".format(*colors[i].tolist(), counts[i] / len(coarse)) for i in order
    ]
    return [f"the most common colours there, about: {', '.join(shares)}"]
