"""The preferences of the user: read when a window opens, written as they change and when it closes."""

from __future__ import annotations

from collections.abc import Callable

from imgui_bundle import imgui

from engine.assets.roots import user_config_folder
from engine.humon import InputError, Problem
from viewer.panels.workspace import Workspace
from viewer.session.preferences import read_preferences, write_preferences
from viewer.session.session import Session

FILE = "viewer.hu"


class KeptPreferences:
    """Reads the file of preferences, and writes it again if they have changed."""

    def __init__(self, report: Callable[[Problem | str], None]) -> None:
        """`report` is called with the reason where a file cannot be read or written."""
        folder = user_config_folder()
        self._path = folder / FILE if folder is not None else None
        self._report = report
        self.preferences, problem = read_preferences(self._path)
        self._read = self.preferences
        if problem is not None:
            report(problem)

    def keep_changes(self, session: Session, workspace: Workspace) -> None:
        """Write what was set, and the layout once ImGui has it: nothing of it is lost with a crash."""
        if session.preferences != self._read or imgui.get_io().want_save_ini_settings:
            self.keep(session, workspace)

    def keep(self, session: Session, workspace: Workspace) -> None:
        """Write what has changed."""
        if self._path is None:
            return
        workspace.keep()
        if session.preferences == self._read:
            return
        try:
            write_preferences(self._path, session.preferences)
            self._read = session.preferences
        except (InputError, OSError) as error:
            reason = error.problems[0].message if isinstance(error, InputError) else str(error)
            self._report(f"warning[viewer.preferences]: the preferences are not kept: {reason}")
