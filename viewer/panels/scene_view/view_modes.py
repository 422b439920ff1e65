"""What the picture shows of the scene: its light, lines, one value of its surfaces, or one channel."""

from __future__ import annotations

from collections.abc import Callable

from engine.graph.view_mode import GRID_PICTURE, LINES, OUTLINED_PICTURE, WIREFRAME_FEATURE, ViewMode
from viewer.session.commands import Command
from viewer.session.session import Session

MENU = "Show"


class ViewModes:
    """The mode of the picture, by command; call `apply` in every frame, as a lost device forgets it."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.mode = ViewMode.LIT
        session.commands.add(*(self._command(mode) for mode in ViewMode))

    def apply(self, *, grid: bool, outline: bool) -> None:
        """Have the next frames show the mode, and the window show a grid, and chosen objects outlined."""
        runtime = self._session.runtime
        runtime.planner.show(self.mode, grid=grid)
        shown = [OUTLINED_PICTURE.name] * outline + [GRID_PICTURE.name] * grid
        runtime.presented = tuple(shown)
        self._session.watched_images.update(shown)

    def _command(self, mode: ViewMode) -> Command:
        title = f"{mode.value[0].upper()}{mode.value[1:]}"
        return Command(
            title,
            MENU,
            self._choose(mode),
            ("L",) if mode is ViewMode.LIT else (),
            lambda: self._is_possible(mode),
            lambda: self.mode is mode,
        )

    def _choose(self, mode: ViewMode) -> Callable[[], None]:
        def choose() -> None:
            self.mode = mode
            self._session.wake()

        return choose

    def _is_possible(self, mode: ViewMode) -> bool:
        features = self._session.runtime.profile.features
        return mode not in LINES or features is None or WIREFRAME_FEATURE in features
