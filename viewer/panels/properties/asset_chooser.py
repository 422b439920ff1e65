"""Chooses an asset for a field: those of the kinds that fit, with a search, by the databases of the file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from imgui_bundle import imgui

from engine.assets import AssetDb, AssetRef
from engine.tableau import NO_ASSET, FieldSpec
from viewer.panels import widgets
from viewer.panels.assets.asset_picture import draw_asset_picture
from viewer.panels.properties.fields import MIXED, Change
from viewer.panels.properties.search_combo import Chosen, SearchCombo
from viewer.session.links import AssetLink
from viewer.session.session import Session
from viewer.ui import style


@dataclass(frozen=True, slots=True)
class Choice:
    """An asset that can be chosen: its key, its name, its database and its kind."""

    key: int
    name: str
    db: str
    kind: str


class AssetChooser:
    """Draws the name of the chosen asset, and a list with pictures and a search when that is opened.

    `Session.places` has `arrow NAME` for the button of a field, and `choice NAME` for those of an open list.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._combo = SearchCombo()
        self._choices: tuple[object, list[Choice]] | None = None

    def draw(self, spec: FieldSpec, keys: np.ndarray, row: int) -> Change | None:
        """Draw the chooser of a field for the keys of several objects; `row` is the first of these."""
        mixed = len(keys) > 1 and bool((keys[1:] != keys[0]).any())
        key = int(keys[0])
        name, db = self.name(key)
        about = ("" if mixed or not db else f"of {db}",)
        has_target = not mixed and key != NO_ASSET
        shown = Chosen(MIXED if mixed else name, style.TEXT, about, "show the asset", has_target)
        chosen: list[Change] = []
        clicked = self._combo.draw(shown, lambda: self._list(spec, -2 if mixed else key, row, chosen))
        self._session.places[f"arrow {spec.name}"] = self._combo.arrow
        if clicked:
            self._session.links.follow(AssetLink(key))
        return chosen[0] if chosen else None

    def name(self, key: int) -> tuple[str, str]:
        """Return the name of an asset, and that of its database."""
        if key == NO_ASSET:
            return "none", ""
        ref = AssetRef.from_key(key)
        dbs = self._session.runtime.library.dbs
        if not 0 <= ref.db < len(dbs):
            return "?", ""
        asset = dbs[ref.db].assets[ref.index]
        return asset.name or asset.label, dbs[ref.db].name

    def _list(self, spec: FieldSpec, key: int, row: int, chosen: list[Change]) -> None:
        words = self._combo.search.casefold().split()
        choices = [
            each
            for each in self._all(spec, row)
            if all(word in f"{each.name} {each.db} {each.kind}".casefold() for word in words)
        ]
        if spec.optional and not words:
            choices.insert(0, Choice(NO_ASSET, "none", "", ""))
        if not choices:
            widgets.quiet("nothing fits")
        side, gap = imgui.get_font_size() * 2.2, imgui.get_style().item_spacing.x
        clipper = imgui.ListClipper()
        clipper.begin(len(choices))
        while clipper.step():
            for index in range(clipper.display_start, clipper.display_end):
                each = choices[index]
                imgui.push_id(index)
                start = imgui.get_cursor_pos()
                would, takes = self._combo.takes(index)
                is_marked = would or (each.key == key and not words)
                if imgui.selectable("##choice", is_marked, 0, (0, side))[0] or takes:
                    chosen.append(Change(each.key))
                    imgui.close_current_popup()
                self._session.places[f"choice {each.name}"] = widgets.item_box()
                if each.key != NO_ASSET:
                    imgui.set_cursor_pos(start)
                    draw_asset_picture(self._session, AssetRef.from_key(each.key), side, says_why=False)
                imgui.set_cursor_pos((start.x + side + gap, start.y + (side - imgui.get_font_size()) / 2))
                imgui.text_unformatted(each.name)
                imgui.same_line()
                widgets.cut(f"{each.kind} of {each.db}" if each.db else "", style.QUIET)
                imgui.pop_id()

    def _all(self, spec: FieldSpec, row: int) -> list[Choice]:
        """Return the assets that fit a field of an object: those that its file can name, and builtin ones."""
        session = self._session
        part = session.runtime.scene.part_of(row)
        about = (part.dbs, spec.asset_types)
        if self._choices is None or self._choices[0] != about:
            newest: dict[str, AssetDb] = {db.name: db for db in part.dbs}
            newest[session.runtime.library.dbs[0].name] = session.runtime.library.dbs[0]
            found = [
                Choice(
                    session.editing.editor.renewed(asset.ref.key), asset.name or asset.label, name, asset.type
                )
                for name, db in newest.items()
                for asset in db.assets
                if asset.type in spec.asset_types
            ]
            self._choices = about, sorted(found, key=lambda each: (each.db, each.name))
        return self._choices[1]
