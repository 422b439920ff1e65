"""How a scene is opened: size, device, limits, and where frames are shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from engine.render.recorder import Attachment
    from engine.render.surface import WindowTarget
    from engine.render.swapchain import Target
    from engine.vk.device import Device


@dataclass(frozen=True)
class RuntimeOptions:
    """Options of a Runtime; sizes in pixels, the budget in MiB.

    `paging_cycles` run in every frame that streams, whatever they cost; None: two, as far as the pace allows.
    `validate` None means: where the layers are installed. `window` makes the device able to present. `shared`
    is an open device to use in place of one of its own; then `device`, `validate` and `window` say nothing.
    """

    size: tuple[int, int] = (1280, 720)
    device: str = ""
    validate: bool | None = None
    budget_mib: int | None = None
    paging_cycles: int | None = None
    window: WindowTarget | None = None
    shared: Device | None = None


class Presenter(Protocol):
    """Shows frames: acquires a target, records the copy of the scene's picture and the overlay onto it."""

    def acquire(self) -> Target | None:
        """Return the target to draw to, with semaphores `acquired` and `rendered`; None to skip."""

    def record(self, slot: int, target: Target, source: Attachment) -> Any:
        """Return a command buffer that shows `source` (in TRANSFER_SRC layout) on the target."""

    def present(self, target: Target, ticket: int) -> None:
        """Present a target whose rendering signals `ticket`."""

    def give_up(self, target: Target) -> None:
        """Part with a target that was acquired and will not be drawn."""
