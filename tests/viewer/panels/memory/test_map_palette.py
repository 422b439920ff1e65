"""Names on the map are read on every colour that it has, in every theme."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from viewer.panels.memory.map.tile_colors import PALE, MapPalette, Rgb
from viewer.panels.memory.map.tiles import TileState
from viewer.panels.memory.map_palette import color_of, map_palette, text_on
from viewer.ui import style

LEAST = 4.5
"""What WCAG 2.1 asks for."""


@pytest.fixture(autouse=True)
def dark_again() -> Iterator[None]:
    yield
    style.choose("dark")


def contrast(rgb: Rgb) -> float:
    one, other = sorted((style.luminance(color_of(rgb)), style.luminance(text_on(rgb))))
    return (other + 0.05) / (one + 0.05)


def mixed(rgb: Rgb, other: Rgb, share: float) -> Rgb:
    red, green, blue = np.rint(np.array(rgb) * (1 - share) + np.array(other) * share).astype(int).tolist()
    return red, green, blue


def colors_of(palette: MapPalette) -> list[Rgb]:
    """Every colour of a tile: of things, of steps, of states, and what is missing or in flight of them."""
    own = [*palette.categories, palette.other, *palette.steps(256), *map(palette.of_state, TileState)]
    pale = [mixed(color, palette.ground, PALE) for color in own]
    flying = [mixed(color, palette.in_flight, 0.5) for color in own]
    return [*own, *pale, *flying]


@pytest.mark.parametrize("safe", [False, True])
@pytest.mark.parametrize("theme", list(style.THEMES))
def test_a_name_is_read_on_every_colour_of_the_map(theme: str, safe: bool) -> None:
    style.choose(theme, safe=safe)
    found = {color: contrast(color) for color in colors_of(map_palette())}
    assert min(found.values()) >= LEAST, min(found, key=lambda color: found[color])


def test_there_is_no_colour_on_which_a_name_is_not_read() -> None:
    values = [*range(0, 256, 15)]
    assert min(contrast((red, green, blue)) for red in values for green in values for blue in values) >= LEAST
