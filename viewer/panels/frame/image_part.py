"""The part of an image of the frame that is looked at: its layer, its mip level and its sample."""

from __future__ import annotations

from imgui_bundle import imgui

from engine.graph import ImageDecl, Samples
from engine.plan.terms.vulkan_enums import Aspect
from engine.runtime.frame_images import Combined, is_integer
from viewer.panels import sliders, widgets
from viewer.panels.widgets import Rectangle

FACES = ("+x", "-x", "+y", "-y", "+z", "-z")


class ImagePart:
    """A layer, a mip level and a sample; `sample` is one of `Combined` where it is what all samples give."""

    def __init__(self) -> None:
        self.layer = 0
        self.level = 0
        self._choice = 0

    def sample(self, image: ImageDecl, count: int) -> int:
        """Return the sample of an image with so many, or what of all of them; 0 where it has one."""
        choices = sample_choices(image, count)
        return choices[min(self._choice, len(choices) - 1)][1]

    def fit(self, image: ImageDecl) -> None:
        """Choose the last layer and level of an image that has fewer than those that were chosen."""
        self.layer = min(self.layer, image.layers - 1)
        self.level = min(self.level, image.mip_levels - 1)

    def draw(self, image: ImageDecl, count: int, size: tuple[int, int]) -> dict[str, Rectangle]:
        """Draw what can be chosen of an image of `size` texels and so many samples; return where each is."""
        places: dict[str, Rectangle] = {}
        width = imgui.get_font_size() * 7
        if image.cube:
            self.layer = _choose("layer", [f"face {face}" for face in FACES], self.layer, places)
        elif image.layers > 1:
            widgets.same_line_if_it_fits(width)
            imgui.set_next_item_width(width)
            _, self.layer = sliders.slide_int("##layer", self.layer, 0, image.layers - 1, "layer %d")
            places["layer"] = widgets.item_box()
        if image.mip_levels > 1:
            sides = [tuple(max(1, side >> level) for side in size) for level in range(image.mip_levels)]
            names = [f"level {level}, {wide} x {high}" for level, (wide, high) in enumerate(sides)]
            self.level = _choose("level", names, self.level, places)
        choices = sample_choices(image, count)
        if len(choices) > 1:
            names = [name for name, _ in choices]
            self._choice = _choose("sample", names, min(self._choice, len(choices) - 1), places)
        return places


def sample_choices(image: ImageDecl, count: int) -> list[tuple[str, int]]:
    """Return what can be seen of the samples of an image of the frame, with the numbers to read it by.

    Depths have no average that means anything, integers none at all.
    """
    if image.samples is not Samples.FRAME:
        return [("", 0)]
    each = [(f"sample {number}", number) for number in range(count)]
    if image.format.info.aspect & Aspect.DEPTH:
        return [*each, ("least of all", Combined.LEAST), ("greatest of all", Combined.GREATEST)]
    return each if is_integer(image.format) else [("average", Combined.AVERAGE), *each]


def _choose(name: str, texts: list[str], chosen: int, places: dict[str, Rectangle]) -> int:
    """Draw a box with one of several texts, and note its place; return the number of the chosen one."""
    style = imgui.get_style()
    width = max(imgui.calc_text_size(text).x for text in texts)
    width += imgui.get_frame_height() + style.frame_padding.x * 2 + style.item_inner_spacing.x
    widgets.same_line_if_it_fits(width)
    imgui.set_next_item_width(width)
    _, chosen = imgui.combo(f"##{name}", chosen, texts)
    places[name] = widgets.item_box()
    return chosen
