"""Chooses what a text names, an object or a number of one, by a search; what is missing is marked."""

from __future__ import annotations

from typing import Any

import numpy as np
from imgui_bundle import imgui
from numpy.typing import NDArray

from engine.tableau import FieldSpec
from viewer.panels import widgets
from viewer.panels.properties.fields import MIXED, Change, is_mixed
from viewer.panels.properties.path_choices import PathChoices
from viewer.panels.properties.search_combo import Chosen, SearchCombo
from viewer.session.links import ObjectLink
from viewer.session.session import Session
from viewer.ui import style

NONE = "none"


class PathChooser:
    """Draws the path that a field has, and the list of those that it can have when that is opened.

    `Session.places` has `arrow NAME` for the button of a field, and `choice TEXT` for those of an open list.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._choices = PathChoices(session.runtime.tableau)
        self._combo = SearchCombo()

    def draw(self, spec: FieldSpec, texts: NDArray[Any], row: int) -> Change | None:
        """Draw the chooser of a field for the texts of several objects; `row` is the first of these."""
        mixed, text = is_mixed(texts), str(texts[0])
        fault = "" if mixed else self._choices.fault(spec.names, text, row)
        tint = style.BAD if fault else style.QUIET if mixed or not text else style.TEXT
        named = None if mixed or not text else self._choices.named(spec.names, text, row)
        label = MIXED if mixed else text or NONE
        shown = Chosen(label, tint, (fault,), "select the object", named is not None)
        chosen: list[str] = []
        clicked = self._combo.draw(shown, lambda: self._list(spec, text, row, chosen))
        self._session.places[f"arrow {spec.name}"] = self._combo.arrow
        if clicked and named is not None:
            self._session.links.follow(ObjectLink(named))
        return _change(chosen[0]) if chosen else None

    def _list(self, spec: FieldSpec, text: str, row: int, chosen: list[str]) -> None:
        root = self._session.runtime.scene.part_of(row).root
        choices = self._choices.matching(spec.names, self._combo.search, root)
        has_none = not self._combo.search.strip()
        if not len(choices) and not has_none:
            widgets.quiet("nothing fits")
        clipper = imgui.ListClipper()
        clipper.begin(len(choices) + has_none)
        while clipper.step():
            for index in range(clipper.display_start, clipper.display_end):
                at = index - has_none
                this = self._choices.text(choices, at, row, root) if at >= 0 else ""
                imgui.push_id(index)
                would, takes = self._combo.takes(index)
                is_marked = would or (this == text and not self._combo.search.strip())
                if imgui.selectable("##choice", is_marked)[0] or takes:
                    chosen.append(this)
                    imgui.close_current_popup()
                self._session.places[f"choice {this or NONE}"] = widgets.item_box()
                imgui.same_line(0, 0)
                widgets.cut(this or NONE, style.TEXT if this else style.QUIET)
                imgui.pop_id()


def _change(text: str) -> Change:
    made = np.empty((), object)
    made[()] = text
    return Change(made)
