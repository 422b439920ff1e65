"""The panel of assets: a table that can be searched and ordered, and the details of the selected one."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np
from imgui_bundle import imgui
from numpy.typing import NDArray

from engine.assets import AssetRef
from engine.humon import Position
from viewer.panels import parts, widgets
from viewer.panels.assets.asset_facts import fact_lines
from viewer.panels.assets.asset_picture import draw_asset_picture
from viewer.panels.assets.asset_rows import KINDS, AssetRows, planned_bytes
from viewer.panels.assets.asset_users import AssetUsers
from viewer.panels.assets.saves_view import draw_last_save
from viewer.panels.number_format import bytes_text, count_text
from viewer.session.links import FeatureLink, SourceLink
from viewer.session.session import Session
from viewer.ui import style

_TABLE = (
    imgui.TableFlags_.scroll_x.value
    | imgui.TableFlags_.pad_outer_x.value
    | imgui.TableFlags_.scroll_y.value
    | imgui.TableFlags_.row_bg.value
    | imgui.TableFlags_.borders_inner_h.value
    | imgui.TableFlags_.sortable.value
    | imgui.TableFlags_.resizable.value
)
LEAST_WIDTH = 22
"""Heights of the font that the columns take at least; a narrower panel is scrolled."""
PARTS_HELP = "what its parts request together; a part that others share counts in each of them"
OWN_HELP = "without alignment; 'reserved' in the panel 'memory table' is what it takes with it"
_STRETCH = imgui.TableColumnFlags_.width_stretch.value
_FIXED = imgui.TableColumnFlags_.width_fixed.value
_ALL_KINDS = ["all kinds", *(str(kind) for kind in KINDS)]


class AssetsPanel:
    """Draws only visible rows; columns are made once per version of library, plan and tableau."""

    title = "assets"

    def __init__(self, session: Session) -> None:
        self._session = session
        self._rows: AssetRows | None = None
        self._library_version = -1
        self._seen: tuple[object, ...] = ()
        self._bytes: NDArray[np.int64] = np.zeros(0, np.int64)
        self._uses: AssetUsers | None = None
        self._users: NDArray[np.int64] = np.zeros(0, np.int64)
        self._search, self._kind = "", 0
        self._shown: NDArray[np.int64] = np.zeros(0, np.int64)
        self._order: tuple[int, bool] = (2, True)
        self._listed: tuple[object, ...] = ()
        self._details: tuple[object, list[tuple[str, str]], list[tuple[str, int]]] | None = None

    def draw(self) -> None:
        """Draw into the current window."""
        rows = self._update()
        if rows is None:
            return
        self._filter(rows)
        draw_last_save(self._session)
        chosen = self._session.selection.asset
        row = rows.row_of(chosen) if chosen is not None else None
        room = imgui.get_content_region_avail()
        beside = row is not None and room.x > imgui.get_font_size() * 36
        height = 0.0 if beside or row is None else room.y * 0.5
        if widgets.begin_child("table", (room.x * 0.55 if beside else 0.0, height)):
            self._table(rows)
        imgui.end_child()
        if row is not None:
            if beside:
                imgui.same_line()
            if widgets.begin_child("details"):
                self._detail(rows, row)
            imgui.end_child()

    def _update(self) -> AssetRows | None:
        """Make the columns again whose origin has changed."""
        runtime = self._session.runtime
        library, plan, tableau = runtime.library, runtime.plan, runtime.tableau
        if plan is None:
            return None
        if self._rows is None or self._library_version != library.version:
            self._rows, self._library_version, self._seen = AssetRows.of(library), library.version, ()
            self._follow_selected(self._rows)
        seen = (id(plan.memory), tableau.structure_version, tableau.values_version)
        if seen != self._seen:
            if not self._seen or seen[0] != self._seen[0]:
                self._bytes = planned_bytes(self._rows, plan)
            self._users = self._found_users().counts(self._rows)
            self._seen, self._details = seen, None
        return self._rows

    def _follow_selected(self, rows: AssetRows) -> None:
        """Select the newest version of the asset that is selected, where that has another key now."""
        selection = self._session.selection
        if selection.asset is not None and rows.row_of(selection.asset) is None:
            with suppress(LookupError, StopIteration):  # it is gone from its text, or that from the scene
                ref = AssetRef.from_key(selection.asset)
                selection.select_asset(self._session.runtime.library.renewed(ref).key)

    def _found_users(self) -> AssetUsers:
        if self._uses is None:
            runtime = self._session.runtime
            self._uses = AssetUsers(runtime.tableau, runtime.library, runtime.registry)
        return self._uses

    def _filter(self, rows: AssetRows) -> None:
        letter, room = imgui.get_font_size(), imgui.get_content_region_avail().x
        imgui.set_next_item_width(min(letter * 14, room))
        _, self._search = imgui.input_text_with_hint("##search", "search", self._search)
        self._session.places["assets search"] = widgets.item_box()
        parts.flows(letter * 9)
        imgui.set_next_item_width(min(letter * 9, room))
        _, self._kind = imgui.combo("##kind", self._kind, _ALL_KINDS)
        self._session.places["assets kind"] = widgets.item_box()
        listed = (self._search, self._kind, self._order, self._library_version, self._seen)
        if listed != self._listed:
            self._listed = listed
            found = rows.found(self._search, None if not self._kind else self._kind - 1)
            self._shown = self._sorted(rows, found)
        parts.flows(letter * 8)
        total = int(self._bytes[self._shown].max(initial=0))
        shown = f"{len(self._shown):,} of {count_text(len(rows), 'asset')}, largest {bytes_text(total)}"
        widgets.cut(shown, style.QUIET)

    def _sorted(self, rows: AssetRows, found: NDArray[np.int64]) -> NDArray[np.int64]:
        column, is_descending = self._order
        if column == 0:
            names = np.array([rows.names[row].lower() for row in found.tolist()], object)
            order = np.argsort(names, kind="stable") if len(found) else np.zeros(0, np.int64)
        else:
            values = (rows.kinds, self._bytes, self._users)[column - 1]
            order = np.argsort(values[found], kind="stable")
        return found[order[::-1] if is_descending else order]

    def _table(self, rows: AssetRows) -> None:
        if not widgets.begin_table("assets", 4, _TABLE, 0.0, widgets.scrolled_width(LEAST_WIDTH)):
            return
        imgui.table_setup_scroll_freeze(1, 1)
        imgui.table_setup_column("asset", _STRETCH)
        imgui.table_setup_column("kind", _FIXED, imgui.calc_text_size("morphTargets").x)
        largest = imgui.TableColumnFlags_.prefer_sort_descending.value
        is_first = imgui.TableColumnFlags_.default_sort.value
        imgui.table_setup_column("memory", _FIXED | largest | is_first, imgui.calc_text_size("memory    ").x)
        imgui.table_setup_column("used by", _FIXED | largest, imgui.calc_text_size("used by  ").x)
        widgets.table_headers(2, 3)
        self._take_order()
        clipper = imgui.ListClipper()
        clipper.begin(len(self._shown))
        while clipper.step():
            for index in range(clipper.display_start, clipper.display_end):
                self._row(rows, int(self._shown[index]))
        imgui.end_table()

    def _take_order(self) -> None:
        specs = imgui.table_get_sort_specs()
        if specs is not None and specs.specs_dirty and specs.specs_count:
            spec = specs.get_specs(0)
            self._order = int(spec.column_index), spec.get_sort_direction() == imgui.SortDirection.descending
            specs.specs_dirty = False

    def _row(self, rows: AssetRows, row: int) -> None:
        key = int(rows.keys[row])
        imgui.table_next_row()
        imgui.table_next_column()
        clicked = widgets.table_row(f"##{key}", self._session.selection.asset == key)
        self._session.places[f"asset {rows.names[row]}"] = widgets.item_box()
        if clicked:
            self._session.selection.select_asset(key)
        imgui.same_line(0, 0)
        widgets.cut(rows.names[row], style.BAD if rows.broken[row] else style.TEXT)
        imgui.table_next_column()
        widgets.quiet(str(KINDS[rows.kinds[row]]))
        imgui.table_next_column()
        size = int(self._bytes[row])
        widgets.right_aligned(bytes_text(size) if size else "-")
        self._session.places[f"asset memory {rows.names[row]}"] = widgets.item_box()
        if size:
            widgets.tooltip((f"{size:,} bytes are requested in the plan", self._planned_help(rows, row)))
        imgui.table_next_column()
        users = int(self._users[row])
        widgets.right_aligned(f"{users:,}" if users else "-")

    def _detail(self, rows: AssetRows, row: int) -> None:
        library, key = self._session.runtime.library, int(rows.keys[row])
        ref = AssetRef.from_key(key)
        if self._details is None or self._details[0] != key:
            users = self._found_users().of(key)
            self._details = key, list(fact_lines(library, ref)), users
        _, lines, users = self._details
        self._title(rows, row, library.unreplaced(ref).label)
        position = _position(self._session, ref)
        if position is not None and widgets.link(f"{Path(position.file).name}:{position.line}", "place"):
            self._session.links.follow(SourceLink(Path(position.file), position.line, position.column))
        self._cook_again(ref)
        draw_asset_picture(self._session, ref, imgui.get_font_size() * 8)
        for label, value in lines:
            widgets.quiet(label)
            imgui.same_line(imgui.get_font_size() * 8)
            widgets.cut(value)
        size = int(self._bytes[row])
        if size:
            widgets.quiet("requested")
            imgui.same_line(imgui.get_font_size() * 8)
            widgets.cut(f"{size:,} ({bytes_text(size)})", more=(self._planned_help(rows, row),))
        self._made_of(rows, row)
        widgets.quiet(f"used by {count_text(len(users), 'feature')}")
        clipper = imgui.ListClipper()
        clipper.begin(len(users))
        while clipper.step():
            for index in range(clipper.display_start, clipper.display_end):
                name, of = users[index]
                path = self._session.runtime.tableau.tables[name].path(of)
                if widgets.link(f"{name} of {path}", f"user{index}"):
                    self._session.links.follow(FeatureLink(name, of))

    def _title(self, rows: AssetRows, row: int, label: str) -> None:
        """The name of an asset with its kind, and its database where there is room; `label` is the tip."""
        kind, database = str(KINDS[rows.kinds[row]]), self._database(int(rows.keys[row]))
        gap = imgui.get_font_size() * 0.5
        room = imgui.get_content_region_avail().x - imgui.calc_text_size(kind).x - gap
        widgets.cut(rows.names[row], style.ACCENT, max(room, imgui.get_font_size() * 4), (label,))
        self._session.places["asset title"] = widgets.item_box()
        imgui.same_line(0, gap)
        widgets.cut(f"{kind} of {database}" if database else kind, style.QUIET)

    def _database(self, key: int) -> str:
        """The name of the database that an asset is of."""
        found = self._session.runtime.library.dbs.get(AssetRef.from_key(key).db)
        return found.name if found is not None else ""

    def _planned_help(self, rows: AssetRows, row: int) -> str:
        """What the bytes of an asset in the plan are."""
        return PARTS_HELP if bool((rows.refers == row).any()) else OWN_HELP

    def _made_of(self, rows: AssetRows, row: int) -> None:
        for label, others in (
            ("made of", rows.referred[rows.refers == row]),
            ("part of", rows.refers[rows.referred == row]),
        ):
            for other in dict.fromkeys(others.tolist()):
                widgets.quiet(label)
                imgui.same_line(imgui.get_font_size() * 8)
                if widgets.link(f"{KINDS[rows.kinds[other]]} {rows.names[other]}", f"{label}{other}"):
                    self._session.selection.select_asset(int(rows.keys[other]))

    def _cook_again(self, ref: AssetRef) -> None:
        """A button that cooks the data of an asset, and of its parts, though no source has changed."""
        live, session = self._session.live, self._session
        hint = "reads the sources of this asset and of its parts again; what differs then shows"
        why_not = "the builtin assets are not cooked again" if ref.db == 0 else ""
        if live is None:
            why_not = why_not or "saves are not watched (--no-live)"
        if parts.button(session, "cook again", "cook again", hint, why_not=why_not):
            assert live is not None
            live.cook_again([ref])
            session.wake(1.0)


def _position(session: Session, ref: AssetRef) -> Position | None:
    for one in session.runtime.library.current:
        if one.db.id == ref.db:
            return one.db.node(ref).position
    return None
