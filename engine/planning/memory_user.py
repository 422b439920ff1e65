"""The protocol of users of GPU memory other than a scene's features, such as the viewer's UI."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from engine.plan.requirements.requirements import Requirement


class MemoryUser(Protocol):
    """Requests memory from the plan of a scene; `requester` is its name in plans.

    The planner compares `version` in every frame and reads `requirements` again only when it has changed.
    """

    requester: str

    @property
    def version(self) -> int:
        """Changes whenever the requirements do."""

    def requirements(self) -> Iterable[Requirement]:
        """All its present requirements."""
