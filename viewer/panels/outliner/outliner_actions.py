"""What the outliner does to selection and scene, by mouse, key and menu alike."""

from __future__ import annotations

import numpy as np
from imgui_bundle import imgui
from numpy.typing import NDArray

from engine.tableau import ROOT
from viewer.editing.clipboard import feature_text
from viewer.panels.outliner.outliner_model import Node, OutlinerModel
from viewer.session.session import Session

Rows = NDArray[np.int32]


class OutlinerActions:
    """Changes the selection by nodes of the outliner, and the scene by the selection."""

    def __init__(self, session: Session, model: OutlinerModel) -> None:
        self.session = session
        self.model = model
        self.renaming: int | None = None
        self.new_name = ""
        self.focus_box = False
        self.has_clicked = False
        """Whether the selection was last changed here, so that nothing has to be brought into view."""
        self.anchor: int | None = None

    # -- selecting ---------------------------------------------------------------------------------

    @property
    def objects(self) -> Rows:
        """The selected objects."""
        return self.session.selection.objects

    def is_selected(self, node: Node) -> bool:
        """Whether a node is selected."""
        selection = self.session.selection
        if node.feature:
            return selection.feature == (node.feature, node.feature_row)
        if selection.feature is not None:
            return False
        at = int(selection.objects.searchsorted(node.object))
        return at < len(selection.objects) and int(selection.objects[at]) == node.object

    def select_node(self, node: Node) -> None:
        """Select a node alone."""
        self.has_clicked = True
        self.anchor = node.object
        if node.feature:
            self.session.selection.select_feature(node.feature, node.feature_row, node.object)
        else:
            self.session.selection.select([node.object])

    def click(self, index: int) -> None:
        """Select as a click does on a row of what is shown: with Ctrl one more, with Shift all up to it."""
        node, io = self.model.node(int(self.model.shown[index])), imgui.get_io()
        if node.feature or not (io.key_ctrl or io.key_shift):
            self.select_node(node)
            return
        self.has_clicked = True
        if io.key_shift and self.anchor is not None:
            self.select_range(self.anchor, node.object, add=io.key_ctrl)
        else:
            self.anchor = node.object
            self.session.selection.select([node.object], toggle=True)

    def select_range(self, first: int, last: int, add: bool = False) -> None:
        """Select all objects that are shown between two."""
        rows = self.model.shown_objects()
        places = [np.flatnonzero(rows == row) for row in (first, last)]
        if not all(len(place) for place in places):
            self.session.selection.select([last], add=add)
            return
        low, high = sorted(int(place[0]) for place in places)
        self.session.selection.select(rows[low : high + 1], add=add)
        self.session.selection.primary = last
        self.has_clicked = True

    def select_all(self) -> None:
        """Select all objects that are shown, those in collapsed branches left out."""
        self.model.update()
        self.has_clicked = True
        self.session.selection.select(self.model.shown_objects())

    def cursor(self) -> int | None:
        """Return the place of what was selected last among the shown rows."""
        selection = self.session.selection
        if selection.primary is None:
            return None
        place = self.model.place_of(selection.primary)
        if place is None or selection.feature is None:
            return place
        for at in range(place + 1, min(place + 64, len(self.model.shown))):
            node = self.model.node(int(self.model.shown[at]))
            if (node.feature, node.feature_row) == selection.feature:
                return at
        return place

    # -- editing -----------------------------------------------------------------------------------

    def switch(self, node: Node, flag: str, value: bool) -> None:
        """Set a flag of a node, or of all selected objects if it is one of them."""
        editing, rows = self.session.editing, np.array([node.object], np.int32)
        if not node.feature and self.is_selected(node):
            rows = self.objects
        editing.run(lambda: editing.editor.set_flag(flag, rows, value, node.feature))

    def toggle(self) -> None:
        """Switch `enabled` of what is selected, all as the first of it is not."""
        selection, tableau = self.session.selection, self.session.runtime.tableau
        editing = self.session.editing
        if selection.primary is None:
            return
        feature = selection.feature[0] if selection.feature is not None else ""
        of = tableau.tables[feature] if feature else tableau
        row = selection.feature[1] if selection.feature is not None else selection.primary
        value = not bool(of.flags("enabled")[row])
        editing.run(lambda: editing.editor.set_flag("enabled", self.objects, value, feature))

    def create(self, parent: int, features: tuple[str, ...] = ()) -> None:
        """Add an object and select it."""
        editing, made = self.session.editing, []
        if editing.run(lambda: made.append(editing.editor.create(parent, features=features))):
            self._show(made)
            self.start_renaming(made[0])

    def add_feature(self, type_name: str) -> None:
        """Add a feature to the selected objects."""
        editing = self.session.editing
        editing.run(lambda: editing.editor.add_feature(type_name, self.objects))

    def delete(self) -> None:
        """Remove the selected feature of the selected objects, else these."""
        editing, selection = self.session.editing, self.session.selection
        rows = self.objects
        if selection.feature is not None:
            name = selection.feature[0]
            if editing.run(lambda: editing.editor.remove_feature(name, rows)):
                selection.select(rows)
        elif editing.run(lambda: editing.editor.delete(rows)):
            selection.clear()

    def duplicate(self) -> None:
        """Copy the selected objects beside themselves, and select the copies; of a feature say why not."""
        editing, made = self.session.editing, []
        feature = self.session.selection.feature
        if feature is not None:
            self.session.notices.say(
                f"an object has one {feature[0]} at most: copy the feature and paste it on another object, "
                "or select the object to duplicate that"
            )
            self.session.wake()
            return
        if editing.run(lambda: made.extend(editing.editor.duplicate(self.objects).tolist())):
            self._show(made)

    def copy(self) -> None:
        """Put the selected feature or objects into the clipboard as Humon text."""
        editing, selection = self.session.editing, self.session.selection

        def copy() -> None:
            if selection.feature is not None and selection.primary is not None:
                name = selection.feature[0]
                imgui.set_clipboard_text(feature_text(editing.editor.scene, name, selection.primary))
            elif len(self.objects):
                imgui.set_clipboard_text(editing.editor.copy(self.objects))

        editing.run(copy)

    def cut(self) -> None:
        """Copy, and remove."""
        self.copy()
        if not self.session.editing.message:
            self.delete()

    def paste(self, parent: int | None = None) -> None:
        """Add what the clipboard holds beside what was selected last, or below an object."""
        editing, primary = self.session.editing, self.session.selection.primary
        text = imgui.get_clipboard_text()
        made: list[int] = []
        if parent is None:
            parent = ROOT
            if primary is not None:
                is_feature = text.lstrip().startswith(("features", "{ @", "{@"))
                parent = primary if is_feature else self.session.runtime.tableau.parent_of(primary)
        if editing.run(lambda: made.extend(editing.editor.paste(text, parent).tolist())):
            self._show(made)

    def reparent(self, parent: int) -> None:
        """Put the selected objects below another; they stay where they are in the world."""
        editing = self.session.editing
        if editing.run(lambda: editing.editor.reparent(self.objects, parent)) and parent != ROOT:
            self.model.expand(parent, True)

    def revert(self) -> None:
        """Make the selected objects what their files have."""
        editing = self.session.editing
        editing.run(lambda: editing.reverting.revert_objects(self.objects))

    def start_renaming(self, row: int) -> None:
        """Show a box for the name of an object."""
        self.renaming = row
        self.new_name = self.session.runtime.tableau.name_of(row)
        self.focus_box = True

    def finish_renaming(self) -> None:
        """Rename the object as its box says; an impossible name is said, and the box stays."""
        editing, row = self.session.editing, self.renaming
        if row is not None and editing.run(lambda: editing.editor.rename(row, self.new_name)):
            self.renaming = None
        else:
            self.focus_box = True

    def _show(self, rows: list[int]) -> None:
        """Select objects and bring the first into view."""
        for row in rows[:1]:
            self.model.reveal(row)
        self.session.selection.select(rows)
