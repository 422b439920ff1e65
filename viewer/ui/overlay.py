"""The UI as one who asks for memory: its rows go into the plan like those of any feature."""

from __future__ import annotations

from collections.abc import Iterable

from engine.plan.requirements.requirements import Requirement
from viewer.ui.needs import Needs


class UiOverlay:
    """What the runtime plans for besides the scene."""

    requester = "viewer/inspector"

    def __init__(self, needs: Needs) -> None:
        self._needs = needs

    @property
    def version(self) -> int:
        """Changes whenever the requirements do."""
        return self._needs.version

    def requirements(self) -> Iterable[Requirement]:
        """Give all that the UI needs now."""
        return self._needs.requirements()
