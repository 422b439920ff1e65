"""Keys of commands: from text such as "Ctrl+Shift+Z" to what ImGui's input holds."""

from __future__ import annotations

from functools import cache

from imgui_bundle import imgui

from viewer.guard import Guard
from viewer.session.commands import Commands

_MODIFIERS = {
    "Ctrl": imgui.Key.mod_ctrl,
    "Shift": imgui.Key.mod_shift,
    "Alt": imgui.Key.mod_alt,
}
_NAMED = {
    "Del": imgui.Key.delete,
    "Delete": imgui.Key.delete,
    "Esc": imgui.Key.escape,
    "Space": imgui.Key.space,
    "Enter": imgui.Key.enter,
    "Tab": imgui.Key.tab,
    "Home": imgui.Key.home,
    ",": imgui.Key.comma,
    ".": imgui.Key.period,
    "+": imgui.Key.equal,
    "=": imgui.Key.equal,
    "-": imgui.Key.minus,
    **{f"Num{digit}": getattr(imgui.Key, f"keypad{digit}") for digit in range(10)},
}


@cache
def chord(keys: str) -> int:
    """Return ImGui's chord for keys. Raises ValueError for a key that does not exist."""
    is_plus = keys.endswith("+")
    before, _, key = (keys[:-1] if is_plus else keys).rpartition("+")
    key = "+" if is_plus else key
    modifiers = before.split("+") if before else []
    found = _NAMED.get(key)
    if found is None:
        name = f"_{key}" if key.isdigit() else key.lower()
        found = getattr(imgui.Key, name, None)
    if found is None or any(name not in _MODIFIERS for name in modifiers):
        raise ValueError(f"{keys!r} names no keys")
    value = int(found)
    for name in modifiers:
        value |= int(_MODIFIERS[name])
    return value


def run_shortcuts(commands: Commands, guard: Guard) -> None:
    """Run the commands whose keys were pressed in this frame; Esc only closes what has popped up."""
    is_typing = imgui.get_io().want_text_input
    is_open = imgui.is_popup_open("", imgui.PopupFlags_.any_popup.value)
    is_closing = is_open or commands.had_popup  # ImGui closes one as the frame of the key begins
    commands.had_popup = is_open
    for command in commands:
        for keys in command.keys:
            if (is_typing and not command.while_typing) or (is_closing and keys == "Esc"):
                continue
            if not imgui.is_key_chord_pressed(chord(keys)):
                continue
            if "Alt+" in keys:  # else the keyboard goes to the menu bar, as by Alt alone
                imgui.get_current_context().nav_windowing_toggle_layer = False
            if command.is_enabled():
                guard.call(f"command {command.title}", command.run)
