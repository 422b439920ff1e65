"""The keys of the outliner while it has the focus: arrows, names and switches."""

from __future__ import annotations

from imgui_bundle import imgui

from viewer.panels.outliner.outliner_actions import OutlinerActions
from viewer.panels.outliner.outliner_model import Node

_PAGE = 20


def handle_keys(actions: OutlinerActions) -> None:
    """Do what the keys of this frame say."""
    io = imgui.get_io()
    if io.key_ctrl or io.key_alt or io.key_super:
        return
    steps = {
        imgui.Key.down_arrow: 1,
        imgui.Key.up_arrow: -1,
        imgui.Key.page_down: _PAGE,
        imgui.Key.page_up: -_PAGE,
        imgui.Key.home: -(1 << 30),
        imgui.Key.end: 1 << 30,
    }
    for key, step in steps.items():
        if imgui.is_key_pressed(key):
            _move(actions, step)
    if imgui.is_key_pressed(imgui.Key.right_arrow):
        _expand(actions)
    if imgui.is_key_pressed(imgui.Key.left_arrow):
        _collapse(actions)
    if imgui.is_key_pressed(imgui.Key.space, False):
        actions.toggle()
    enter = imgui.is_key_pressed(imgui.Key.enter, False) or imgui.is_key_pressed(
        imgui.Key.keypad_enter, False
    )
    primary = actions.session.selection.primary
    if (enter or imgui.is_key_pressed(imgui.Key.f2, False)) and primary is not None:
        actions.start_renaming(primary)


def _node(actions: OutlinerActions, place: int) -> Node:
    return actions.model.node(int(actions.model.shown[place]))


def _move(actions: OutlinerActions, step: int) -> None:
    """Select the node so many rows further; with Shift all objects on the way."""
    shown = len(actions.model.shown)
    if not shown:
        return
    place = actions.cursor()
    place = 0 if place is None else max(0, min(shown - 1, place + step))
    node, primary = _node(actions, place), actions.session.selection.primary
    if imgui.get_io().key_shift and primary is not None:
        if not node.feature:
            actions.select_range(actions.anchor if actions.anchor is not None else primary, node.object)
    else:
        actions.select_node(node)
    actions.has_clicked = False  # it is brought into view


def _expand(actions: OutlinerActions) -> None:
    """Expand the object, or go to its first child."""
    place = actions.cursor()
    if place is None:
        return
    number = int(actions.model.shown[place])
    if not actions.model.has_children(number):
        return
    if actions.model.is_open[number]:
        _move(actions, 1)
    else:
        actions.model.expand(actions.model.node(number).object, True)


def _collapse(actions: OutlinerActions) -> None:
    """Collapse the object, or go to the object above it."""
    place = actions.cursor()
    if place is None:
        return
    number = int(actions.model.shown[place])
    node = actions.model.node(number)
    if not node.feature and actions.model.has_children(number) and actions.model.is_open[number]:
        actions.model.expand(node.object, False)
        return
    above = node.object if node.feature else actions.session.runtime.tableau.parent_of(node.object)
    if above >= 0:
        actions.select_node(Node(above))
        actions.has_clicked = False
