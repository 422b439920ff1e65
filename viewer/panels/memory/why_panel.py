"""Why memory is used: from a byte to its key, asset, features, objects and lines, each of them a link."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from imgui_bundle import imgui
from numpy.typing import NDArray

from engine.plan.terms.keys import is_transient
from viewer.panels import widgets
from viewer.panels.memory import tile_texts
from viewer.panels.memory.plan_models import PlanModels, SharedModels
from viewer.panels.memory.table.memory_table import (
    Column,
    Level,
    MemoryTable,
    memory_type_text,
)
from viewer.panels.memory.why_model import WhyModel, WhyRow
from viewer.panels.number_format import bytes_text, count_text
from viewer.session.links import AssetLink, FeatureLink, Link, MemoryLink, ObjectLink, SourceLink
from viewer.session.session import Session
from viewer.ui import style

TEXTS_MS = 2.0
"""Milliseconds of a frame in which requesters are made searchable, while there are some left."""


class WhyPanel:
    """Draws what is selected of memory; lists are drawn as far as they are seen, and never cut."""

    title = "why"

    def __init__(self, session: Session, shared: SharedModels) -> None:
        self._session = session
        self._shared = shared
        self._state: tuple[object, ...] = ()
        self._model: WhyModel | None = None
        self._tables: dict[Level, MemoryTable] = {}
        self._tables_of: PlanModels | None = None
        self._inside: NDArray[np.int64] = np.zeros(0, np.int64)
        self.search = ""
        self.found: NDArray[np.int64] = np.zeros(0, np.int64)
        self._searched: tuple[object, ...] = ()

    def draw(self) -> None:
        """Draw into the current window."""
        models, piece = self._shared.models(), self._session.selection.memory
        if models is None or piece is None:
            _wrapped("Select a block in the map or the table of memory to see why it is there.")
            return
        level = Level(piece[0])
        table = self._table(models, level)
        row = table.row_of(piece)
        if row is None:
            _wrapped("What was selected is not in the present plan any more.")
            return
        self._follow(models, level, piece, row)
        self._chain(models, table, level, row)
        imgui.separator()
        if level is Level.SUBRESOURCE:
            self._requesters()
        else:
            self._contents(models, Level(level + 1))

    def _table(self, models: PlanModels, level: Level) -> MemoryTable:
        if self._tables_of is not models:
            self._tables, self._tables_of = {}, models
        if level not in self._tables:
            self._tables[level] = MemoryTable(models.plan, models.places, models.requests, level)
        return self._tables[level]

    def _follow(self, models: PlanModels, level: Level, piece: tuple[int, int], row: int) -> None:
        """Find requesters, or what lies inside, of what is selected now."""
        tableau = self._session.runtime.tableau
        state = (models, piece, tableau.structure_version)
        if state == self._state:
            return
        self._state, self._searched = state, ()
        self._model = None
        if level is Level.SUBRESOURCE:
            self._model = WhyModel(models.plan, tableau, piece[1])
            return
        inside = self._table(models, Level(level + 1))
        column = Column.ALLOCATION if level is Level.ALLOCATION else Column.RESOURCE
        at = np.flatnonzero(inside.numbers(column) == piece[1])
        self._inside = at[np.argsort(-inside.sizes[at], kind="stable")]

    def _chain(self, models: PlanModels, table: MemoryTable, level: Level, row: int) -> None:
        """Allocation, resource, key and asset, one below the other."""
        allocation = int(table.numbers(Column.ALLOCATION)[row])
        heap, type_ = (int(table.numbers(column)[row]) for column in (Column.HEAP, Column.MEMORY_TYPE))
        resource = int(table.numbers(Column.RESOURCE)[row]) if level is not Level.ALLOCATION else -1
        self._link(f"allocation {allocation}", MemoryLink(Level.ALLOCATION, allocation), "allocation")
        imgui.same_line()
        where = f"heap {heap}, memory type {type_}"
        widgets.quiet(widgets.fitting(where, imgui.get_content_region_avail().x))
        widgets.tooltip((where, memory_type_text(models.plan, type_)))
        if resource >= 0:
            at = self._table(models, Level.RESOURCE)
            of = at.row_of((Level.RESOURCE, resource))
            name = at.name(of) if of is not None else f"resource {resource}"
            self._link(f"› {name}", MemoryLink(Level.RESOURCE, resource), "resource")
        if level is Level.SUBRESOURCE:
            self._key(table, row)
        size = int(table.sizes[row])
        _wrapped(f"{tile_texts.size_text(size)} at {table.address(row)}")
        place = models.places.place_of(table.identity(row)[1]) if level is Level.SUBRESOURCE else None
        for line in tile_texts.sharing_lines(models, place) if place is not None else ():
            _wrapped(line)
        format_text = table.text(row, Column.FORMAT) if level is not Level.ALLOCATION else ""
        if format_text:
            _wrapped(format_text)
        usage = table.usage(row) if level is not Level.ALLOCATION else ()
        if usage:
            _wrapped(" | ".join(usage))

    def _key(self, table: MemoryTable, row: int) -> None:
        key = table.identity(row)[1]
        name = table.name(row)
        is_asset = self._model is not None and not is_transient(key)
        text = f"› {name}"
        if is_asset:
            self._link(text, AssetLink(key), "asset")
        else:
            imgui.text_unformatted(widgets.fitting(text, imgui.get_content_region_avail().x))
            widgets.tooltip((name,))

    def _contents(self, models: PlanModels, level: Level) -> None:
        """What lies in an allocation or a resource, the largest first."""
        inside = self._table(models, level)
        noun = "resource" if level is Level.RESOURCE else "block"
        widgets.quiet(f"holds {count_text(len(self._inside), noun)}")
        if not widgets.begin_child("inside", (0.0, 0.0)):
            imgui.end_child()
            return
        clipper = imgui.ListClipper()
        clipper.begin(len(self._inside))
        while clipper.step():
            for index in range(clipper.display_start, clipper.display_end):
                row = int(self._inside[index])
                size = bytes_text(int(inside.sizes[row]))
                wide = imgui.calc_text_size(size).x + imgui.get_font_size()
                imgui.push_id(index)
                self._link(inside.name(row), MemoryLink(*inside.identity(row)), f"inside {index}", wide)
                imgui.same_line()
                widgets.right_aligned(size, style.QUIET)
                imgui.pop_id()
        imgui.end_child()

    def _requesters(self) -> None:
        """All requesters with a search; each feature, object and line is a link."""
        model = self._model
        assert model is not None
        imgui.align_text_to_frame_padding()
        widgets.quiet(f"{count_text(model.count, 'requester')}")
        imgui.same_line()
        imgui.set_next_item_width(-1)
        room = imgui.get_content_region_avail().x - 2 * imgui.get_style().frame_padding.x
        hint = widgets.fitting("search features, objects, lines", room)
        _, self.search = imgui.input_text_with_hint("##search", hint, self.search)
        self._place("why search")
        self._find(model)
        if self.search and len(self.found) != model.count:
            widgets.quiet(f"{len(self.found):,} found")
        if not widgets.begin_child("requesters", (0.0, 0.0)):
            imgui.end_child()
            return
        height = imgui.get_text_line_height_with_spacing() * 2
        clipper = imgui.ListClipper()
        clipper.begin(len(self.found), height)
        while clipper.step():
            for index in range(clipper.display_start, clipper.display_end):
                imgui.push_id(index)
                self._requester(index, model.row(int(self.found[index])))
                imgui.pop_id()
        imgui.end_child()

    def _find(self, model: WhyModel) -> None:
        words = tuple(self.search.split())
        if words and not model.texts.is_complete:
            model.texts.prepare(TEXTS_MS)
            self._session.wake()
        state = (model, words, model.texts.done if words else 0)
        if state != self._searched:
            self._searched, self.found = state, model.search(words)

    def _requester(self, index: int, row: WhyRow) -> None:
        """Two lines: feature on object, and its place in the file."""
        if row.feature_row is not None:
            self._link(row.feature, FeatureLink(row.feature, row.feature_row), f"feature {index}")
        else:
            imgui.text_unformatted(row.feature)
        if row.object_path:
            imgui.same_line()
            widgets.quiet("on")
            imgui.same_line()
            if row.object_row is not None:
                self._link(row.object_path, ObjectLink(row.object_row), f"object {index}")
            else:
                widgets.quiet(row.object_path)
        imgui.indent()
        file = self._path_of(row.file)
        if file is not None:
            self._link(row.position, SourceLink(file, row.line, row.column), f"line {index}")
        else:
            widgets.quiet(row.position or "in no file")
        imgui.unindent()

    def _path_of(self, name: str) -> Path | None:
        """The file of a scene by the name that positions have; None for one that is not open."""
        for part in self._session.runtime.scene.parts:
            for file in part.files:
                if file.document.name == name:
                    return file.path
        return None

    def _link(self, text: str, link: Link, name: str, beside: float = 0.0) -> None:
        """Draw a link, cut off with an ellipsis where it is too long, with the whole text as a tool tip."""
        room = max(imgui.get_content_region_avail().x - beside, imgui.get_font_size() * 2)
        shown = widgets.fitting(text, room)
        if widgets.link(shown, name):
            if not self._session.links.follow(link):
                self._session.report(f"warning[viewer.link]: no panel shows {text}")
            self._session.wake()
        self._place(f"why {name}")
        if shown != text:
            widgets.tooltip((text,))

    def _place(self, name: str) -> None:
        """Record where the last item is."""
        low, high = imgui.get_item_rect_min(), imgui.get_item_rect_max()
        self._session.places[name] = (low.x, low.y, high.x, high.y)


def _wrapped(text: str) -> None:
    imgui.push_text_wrap_pos(0.0)
    imgui.push_style_color(imgui.Col_.text.value, style.QUIET)
    imgui.text_unformatted(text)
    imgui.pop_style_color()
    imgui.pop_text_wrap_pos()
