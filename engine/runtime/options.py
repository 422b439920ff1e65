"""Options for opening a scene, and the protocols of overlays and presenters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from engine.graph import PICTURE, ImageDecl

if TYPE_CHECKING:
    from engine.render.frame_recorder import FrameImage
    from engine.render.surface import WindowTarget
    from engine.render.swapchain import Target
    from engine.vk.device import Device


@dataclass(frozen=True)
class RuntimeOptions:
    """Options of a Runtime; sizes in pixels, the budget in MiB.

    `device` is part of an adapter's name. `validate` None enables the validation layers if they are
    installed. `paging_cycles` run in every frame that streams, whatever they cost; None: two, if the pace
    allows. `window` enables presenting. `shared` is an open device to use instead of creating one; `device`,
    `validate` and `window` are then ignored. With `trials`, shaders that are not the builtin ones are tried
    in another process before this one compiles them; without, whoever opens the scene vouches for them.
    `outputs` are the images that `Runtime.read_pixels` can read; the picture must be among them.
    With `freezes`, what frames learn of many assets is kept out of Python's cycle collections (`gc.freeze`),
    as programs do with what they load: with 5,000 models a collection takes 14 ms of a frame.
    `culling` says whether views leave out what they do not see; None: where that saves more than it takes.
    With `spreads`, what changes while frames come fast is drawn a few frames later, and none takes long.
    `is_stopping` says whether the run is to end: then no frame is begun any more, once there is one.
    """

    size: tuple[int, int] = (1280, 720)
    device: str = ""
    validate: bool | None = None
    budget_mib: int | None = None
    paging_cycles: int | None = None
    window: WindowTarget | None = None
    shared: Device | None = None
    trials: bool = True
    outputs: tuple[ImageDecl, ...] = (PICTURE,)
    culling: bool | None = None
    freezes: bool = False
    spreads: bool = False
    is_stopping: Callable[[], bool] = lambda: False


class Presenter(Protocol):
    """Shows frames: acquires a target, records the copy of the scene's picture and the overlay into it."""

    def acquire(self) -> Target | None:
        """Return the target to draw to, with semaphores `acquired` and `rendered`; None to show nothing."""

    def record(self, slot: int, target: Target, source: FrameImage) -> Any:
        """Return a command buffer that copies `source` (in TRANSFER_SRC layout) to the target."""

    def present(self, target: Target, ticket: int) -> None:
        """Present a target whose submit signals `ticket`."""

    def release(self, target: Target) -> None:
        """Release an acquired target without presenting it."""
