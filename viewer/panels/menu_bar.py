"""The menu bar: every command in its menu, and the figures of the run at its end."""

from __future__ import annotations

import sys

from imgui_bundle import imgui

from engine.humon import Severity
from viewer.panels import widgets
from viewer.panels.number_format import bytes_text, count_text
from viewer.session.commands import Command
from viewer.session.links import PanelLink
from viewer.session.session import Session
from viewer.ui import style

MENUS = ("File", "Edit", "View", "Scene", "Camera", "Show", "Memory", "Help")
"""The order of the menus; others follow."""


def draw_menu_bar(session: Session) -> None:
    """Draw the main menu bar."""
    imgui.push_style_var(imgui.StyleVar_.window_border_size.value, 0.0)
    is_drawn = imgui.begin_main_menu_bar()
    imgui.pop_style_var()
    if not is_drawn:
        return
    commands = list(session.commands)
    menus = dict.fromkeys((*MENUS, *(command.menu for command in commands)))
    for menu in menus:
        entries = [command for command in commands if command.menu == menu]
        if not entries:
            continue
        is_open = imgui.begin_menu(menu)
        low, high = imgui.get_item_rect_min(), imgui.get_item_rect_max()
        session.places[f"menu {menu}"] = (low.x, low.y, high.x, high.y)
        if not is_open:
            continue
        for command in entries:
            draw_command(session, command, f"menu {menu}/{command.title}")
        imgui.end_menu()
    _figures(session)
    imgui.end_main_menu_bar()


def draw_command(session: Session, command: Command, place: str) -> None:
    """Draw a command as an item of a menu, whose rectangle is `session.places[place]`."""
    checked = command.is_checked() if command.is_checked is not None else False
    keys = shown_keys(command.keys[0]) if command.keys else ""
    clicked, _ = imgui.menu_item(command.title, keys, checked, command.is_enabled())
    session.places[place] = widgets.item_box()
    if clicked:
        command.run()


def shown_keys(keys: str) -> str:
    """Return keys as this system writes them."""
    return keys.replace("Ctrl", "Cmd") if sys.platform == "darwin" else keys


def run_state(session: Session) -> tuple[str, bool]:
    """What the memory does, in words, and whether it has all that the scene wants."""
    facts, hold = session.statistics, session.runtime.hold
    if hold.waiting is not None:
        return "a plan waits", False
    held = "held, " if hold.is_on else ""
    if facts.settled:
        return f"{held}settled", True
    return f"{held}step {facts.steps_done:,} of {facts.steps:,}", False


def frame_rate(session: Session) -> tuple[str, style.Color]:
    """How many frames a second are drawn, in words, and their colour: none are while the window rests."""
    facts = session.statistics
    if facts.idle or session.rests:
        return "idle", style.QUIET
    rate = f"{count_text(round(facts.frames_per_second), 'frame')}/s"
    return rate, style.GOOD if facts.settled else style.ACCENT


def _figures(session: Session) -> None:
    """Draw the figures of the run, as many as there is room for, at the right edge; problems to the last."""
    facts = session.statistics
    state, is_at_rest = run_state(session)
    parts = [
        (f"{facts.cpu_ms:.2f} ms CPU a frame", style.QUIET),
        frame_rate(session),
        (bytes_text(facts.live_bytes), style.TEXT),
        (state, style.GOOD if is_at_rest else style.ACCENT),
    ]
    errors = sum(problem.severity is Severity.ERROR for problem in facts.problems)
    problems = count_text(len(facts.problems), "problem")
    if facts.problems:
        parts.append((problems, style.BAD if errors else style.WARNING))
    gap = imgui.get_style().item_spacing.x * 2
    room = imgui.get_content_region_avail().x
    while parts and sum(imgui.calc_text_size(text).x + gap for text, _ in parts) > room:
        parts.pop(0)
    if not parts:
        return
    width = sum(imgui.calc_text_size(text).x + gap for text, _ in parts)
    imgui.set_cursor_pos_x(imgui.get_cursor_pos_x() + room - width)
    for text, tint in parts:
        imgui.text_colored(tint, text)
        if text == state and session.runtime.hold.is_on:
            widgets.tooltip(("Plans are held: the panel 'schedule' steps and runs them.",))
        if text == problems:
            _lead_to_problems(session, errors)
        if text == bytes_text(facts.live_bytes):
            widgets.tooltip(
                (
                    f"{facts.live_bytes:,} bytes of GPU memory are live, with staging while there is some",
                    f"{facts.planned_bytes:,} bytes are planned; the panel 'memory' shows both",
                )
            )
        imgui.same_line(0, gap)


def _lead_to_problems(session: Session, errors: int) -> None:
    """Have a click on the item that was just drawn show the panel of problems."""
    session.places["menu problems"] = widgets.item_box()
    if imgui.is_item_hovered():
        imgui.set_mouse_cursor(imgui.MouseCursor_.hand)
    if imgui.is_item_clicked():
        session.links.follow(PanelLink("problems"))
    warnings = len(session.statistics.problems) - errors
    counts = f"{count_text(errors, 'error')}, {count_text(warnings, 'warning')}"
    widgets.tooltip((counts, "click to see them in the panel 'problems'"))
