"""All dialogs of a window, and the commands that show them."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

from imgui_bundle import imgui

from viewer.guard import Guard
from viewer.panels import widgets
from viewer.panels.dialogs.appearance import appearance_commands
from viewer.panels.dialogs.command_palette import CommandPalette
from viewer.panels.dialogs.file_browser import FileBrowser
from viewer.panels.dialogs.key_sheet import KeySheet
from viewer.panels.dialogs.offers import draw_offers
from viewer.panels.dialogs.save_dialog import SaveDialog
from viewer.panels.workspace import Workspace
from viewer.session.commands import Command
from viewer.session.opening import Opening
from viewer.session.session import Session
from viewer.ui import style

RECENT = 8
"""How many files that were opened before are in the menu."""


class Dialogs:
    """Draws the dialog that is open, and what is being opened."""

    def __init__(
        self, session: Session, workspace: Workspace, guard: Guard, opening: Opening, start: Path
    ) -> None:
        """`start` is the folder in which files are looked for first."""
        self._session = session
        self._workspace = workspace
        self._opening = opening
        self.browser = FileBrowser(session, opening, start)
        self.saving = SaveDialog(session)
        self._files: list[Command] = []
        self.list_files()
        session.commands.add(*appearance_commands(session))
        self.palette = CommandPalette(session, guard)
        self.keys = KeySheet(session)
        workspace.overlays["dialogs"] = self.draw

    def list_files(self) -> None:
        """Offer to open files: those that were opened before, and are not open now, by their names."""
        self._session.commands.remove(*self._files)
        self._files = self._commands()
        self._session.commands.add(*self._files)

    def draw(self) -> None:
        """Draw over everything else."""
        self._notice()
        draw_offers(self._session, self._workspace.area)
        self.keys.draw()
        self.browser.draw()
        self.saving.draw()
        self.palette.draw()

    def _notice(self) -> None:
        """Say which files are being opened, or what was done."""
        name = self._opening.under_way
        text = f"opening {name}" if name else self._session.notices.text
        if not text:
            return
        self._session.wake(0.5)
        size = imgui.get_font_size()
        x0, y0, x1, _ = self._workspace.area
        wrap = max(x1 - x0 - size * 4, size)
        needed = imgui.calc_text_size(text, False, wrap)
        draw = imgui.get_background_draw_list()
        low = ((x0 + x1 - needed.x) / 2 - size, y0 + size * 3)
        high = (low[0] + needed.x + size * 2, low[1] + needed.y + size)
        draw.add_rect_filled(low, high, widgets.color(style.RAISED), size * 0.3)
        place, tint = (low[0] + size, low[1] + size * 0.5), widgets.color(style.TEXT)
        draw.add_text(imgui.get_font(), size, place, tint, text, wrap_width=wrap + 1)

    def _commands(self) -> list[Command]:
        opening = self._opening
        command = partial(Command, menu="File", needs_scene=False)

        def is_possible() -> bool:
            return opening.is_possible

        def recent(name: str) -> Command:
            shown = name if len(name) <= 60 else f"…{name[-59:]}"
            return command(f"Open {shown}", run=lambda: opening.open([Path(name)]), is_enabled=is_possible)

        here = {
            os.path.abspath(file.path) for part in self._session.runtime.scene.parts for file in part.files
        }
        others = [name for name in self._session.preferences.recent if name not in here]
        return [
            command(
                "Open...",
                run=self.browser.open,
                keys=("Ctrl+O",),
                is_enabled=is_possible,
                while_typing=True,
            ),
            *map(recent, others[:RECENT]),
            command("Quit", run=opening.quit, keys=("Ctrl+Q",), while_typing=True),
        ]
