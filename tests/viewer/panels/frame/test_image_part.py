"""Only the parts that an image has can be chosen: faces, layers, levels, samples."""

from __future__ import annotations

from dataclasses import replace

from imgui_bundle import imgui
from support.mouse import Mouse, middle, mouse

from engine.graph import SCENE_COLOR, SCENE_DEPTH, Extent, ImageDecl, Samples
from engine.plan.terms.formats import Format
from engine.runtime.frame_images import Combined
from viewer.panels.frame.image_part import ImagePart, sample_choices
from viewer.panels.widgets import Rectangle

__all__ = ["mouse"]

FACES = ImageDecl("faces", Format.R8G8B8A8_UNORM, Extent(width=16, height=16), layers=6, cube=True)
LAYERS = ImageDecl("maps", Format.D32_SFLOAT, Extent(width=16, height=8), layers=3, mip_levels=4)


def drawn(mouse: Mouse, part: ImagePart, image: ImageDecl, click: str = "", *keys: imgui.Key) -> set[str]:
    """Draw the choice, click one of its boxes and press keys; return the names of the boxes."""
    places: dict[str, Rectangle] = {}

    def draw() -> None:
        imgui.set_next_window_size((600, 200))
        imgui.begin("image")
        places.update(part.draw(image, 4, image.extent.resolve((64, 48))))
        imgui.end()

    mouse.frame(draw)
    mouse.frame(draw)
    if click:
        mouse.click(draw, *middle(places[click]))
        for key in keys:
            mouse.press(draw, key)
    return places.keys()


def test_an_image_of_one_part_has_nothing_to_choose(mouse: Mouse) -> None:
    assert drawn(mouse, ImagePart(), replace(SCENE_COLOR, samples=Samples.ONE)) == set()


def test_faces_layers_and_levels_are_chosen(mouse: Mouse) -> None:
    part, down, enter = ImagePart(), imgui.Key.down_arrow, imgui.Key.enter
    imgui.get_io().config_flags |= imgui.ConfigFlags_.nav_enable_keyboard.value
    assert drawn(mouse, part, FACES, "layer", down, down, enter) == {"layer"}
    assert (part.layer, part.level) == (2, 0)
    part = ImagePart()
    assert drawn(mouse, part, LAYERS, "level", down, enter) == {"layer", "level"}
    assert drawn(mouse, part, LAYERS, "layer") == {"layer", "level"}
    assert (part.layer, part.level) == (1, 1), "the middle of the slider of three layers"


def test_an_image_that_has_become_smaller_shows_its_last_part() -> None:
    part = ImagePart()
    part.layer, part.level = 2, 3
    part.fit(replace(LAYERS, layers=2, mip_levels=1))
    assert (part.layer, part.level) == (1, 0)


def test_only_colours_have_an_average_and_only_depths_a_least_and_greatest() -> None:
    each = [(f"sample {number}", number) for number in range(2)]
    assert sample_choices(SCENE_COLOR, 2) == [("average", Combined.AVERAGE), *each]
    assert sample_choices(replace(SCENE_COLOR, format=Format.R8G8B8A8_UINT), 2) == each
    extremes = [("least of all", Combined.LEAST), ("greatest of all", Combined.GREATEST)]
    assert sample_choices(SCENE_DEPTH, 2) == [*each, *extremes]
    assert sample_choices(replace(SCENE_DEPTH, format=Format.D24_UNORM_S8_UINT), 2) == [*each, *extremes]
    assert len(sample_choices(replace(SCENE_DEPTH, samples=Samples.ONE), 1)) == 1
    assert ImagePart().sample(SCENE_COLOR, 4) == Combined.AVERAGE
    assert ImagePart().sample(SCENE_DEPTH, 4) == 0
