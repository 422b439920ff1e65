"""Options for opening a scene, and the protocols of overlays and presenters."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from engine.plan.requirements.requirements import Requirement
    from engine.render.recorder import Attachment
    from engine.render.surface import WindowTarget
    from engine.vk.device import Device


@dataclass(frozen=True)
class RuntimeOptions:
    """Options of a Runtime; sizes in pixels, the budget in MiB.

    `device` is part of an adapter's name. `validate` None enables the validation layers if they are
    installed. `window` enables presenting. `shared` is an open device to use instead of creating one;
    `device`, `validate` and `window` are then ignored.
    """

    size: tuple[int, int] = (1280, 720)
    device: str = ""
    validate: bool | None = None
    budget_mib: int | None = None
    paging_cycles: int = 2
    window: WindowTarget | None = None
    shared: Device | None = None


class Overlay(Protocol):
    """Draws over the scene and requests memory of its own, such as the inspector.

    `requester` is the name in the plan's why.
    """

    requester: str

    @property
    def version(self) -> int:
        """A number that changes whenever the requirements change."""

    def requirements(self) -> Iterable[Requirement]:
        """The requirements of the overlay now."""


class Presenter(Protocol):
    """Shows frames: acquires a target, records the copy of the scene's picture and the overlay into it."""

    def acquire(self) -> Any:
        """Return the target to draw to, with semaphores `acquired` and `rendered`; None to show nothing."""

    def record(self, slot: int, target: Any, source: Attachment) -> Any:
        """Return a command buffer that copies `source` (in TRANSFER_SRC layout) to the target."""

    def present(self, target: Any, ticket: int) -> None:
        """Present a target whose submit signals `ticket`."""

    def release(self, target: Any) -> None:
        """Release an acquired target without presenting it."""
