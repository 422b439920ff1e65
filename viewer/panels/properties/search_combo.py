"""A combo with a search: a list to choose from, with a button beside it that shows what is chosen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from imgui_bundle import imgui

from viewer.panels import widgets
from viewer.ui import style


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a combo shows: its label, and lines of its tool tip; `target` is what the arrow is for."""

    label: str
    tint: style.Color
    about: tuple[str, ...]
    target: str
    has_target: bool


class SearchCombo:
    """Draws one; `search` is what is looked for in the list that is open, `arrow` where its button is.

    `is_entered`: Enter was pressed in the search in this frame, which takes the first that is found and is
    marked as such; with nothing to look for it closes the list.
    """

    def __init__(self) -> None:
        self.search = ""
        self.is_entered = False
        self.arrow: widgets.Rectangle = (0.0, 0.0, 0.0, 0.0)

    def takes(self, index: int) -> tuple[bool, bool]:
        """Whether Enter would take the entry at a place of the list, and whether it does in this frame."""
        would = index == 0 and bool(self.search.strip())
        return would, would and self.is_entered

    def draw(self, chosen: Chosen, draw_list: Callable[[], None]) -> bool:
        """Draw what is chosen, and the search and list while it is open; whether the arrow was clicked."""
        imgui.begin_group()
        gap = imgui.get_style().item_inner_spacing.x
        follow = imgui.get_frame_height() + gap
        imgui.set_next_item_width(-follow)
        height = imgui.get_font_size() * 24
        imgui.set_next_window_size_constraints((imgui.get_font_size() * 18, 0), (1e6, height))
        room = imgui.get_content_region_avail().x - follow - imgui.get_frame_height()
        shown = widgets.fitting(chosen.label, room - imgui.get_style().frame_padding.x)
        imgui.push_style_color(imgui.Col_.text.value, chosen.tint)
        is_open = imgui.begin_combo("##choices", shown, imgui.ComboFlags_.height_large.value)
        imgui.pop_style_color()
        if is_open:
            if imgui.is_window_appearing():
                self.search = ""
                imgui.set_keyboard_focus_here()
            imgui.set_next_item_width(-1)
            _, self.search = imgui.input_text_with_hint("##search", "search", self.search)
            self.is_entered = imgui.is_item_deactivated() and _is_enter_pressed()
            if self.is_entered and not self.search.strip():
                imgui.close_current_popup()
            draw_list()
            imgui.end_combo()
        widgets.tooltip((chosen.label, *chosen.about))
        imgui.same_line(0, gap)
        imgui.begin_disabled(not chosen.has_target)
        clicked = imgui.arrow_button("show", imgui.Dir.right)
        imgui.end_disabled()
        self.arrow = widgets.item_box()
        widgets.tooltip((chosen.target,))
        imgui.end_group()
        return bool(clicked)


def _is_enter_pressed() -> bool:
    return any(imgui.is_key_pressed(key, False) for key in (imgui.Key.enter, imgui.Key.keypad_enter))
