"""A swapchain that is recreated when the window changes, without waiting for the device.

Every acquired image is presented or released, and every semaphore is reused at a known point:
- the one that an acquire signals, when the submit that waited for it has completed;
- the one that a present waits for belongs to its image and is reused when that image is acquired again:
  a present that fails has still waited for it.
A replaced swapchain is destroyed when the frames drawn to it have completed and PRESENTS_BEFORE_DESTROY
later presents were queued, so that its own presents have waited for their semaphores.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

from engine.plan.terms.vocabulary import ImageUsage, Stage
from engine.plan.terms.vulkan_enums import Aspect
from engine.render.surface import Surface
from engine.vk.binding import NULL, constants, ffi
from engine.vk.device import Device
from engine.vk.errors import DeviceLost, Result, SurfaceLost, VulkanError
from engine.vk.structs import new
from engine.vk.timeline import Timeline

TEXEL_BYTES = 4
"""Bytes of a texel in all formats that surfaces are chosen with."""
ACQUIRE_TIMEOUT_NS = 500_000_000
PRESENTS_BEFORE_DESTROY = 3
_ATTEMPTS = 3
_WHY = "viewer/window"


@dataclass(frozen=True, slots=True)
class Target:
    """One acquired image: wait for `acquired`, draw, signal `rendered`, present."""

    index: int
    image: Any
    view: Any
    extent: tuple[int, int]
    acquired: Any
    rendered: Any


@dataclass(slots=True)
class _Chain:
    handle: Any
    extent: tuple[int, int]
    images: list[Any]
    views: list[Any]
    rendered: list[Any]
    last_ticket: int = 0
    presents_since: int = 0


class Swapchain:
    """Owns the swapchain of one surface, and replaced ones that may still be in use."""

    def __init__(self, device: Device, surface: Surface, timeline: Timeline) -> None:
        """`timeline` is signalled by the submits that draw to the images. Raises NoDevice."""
        self._device = device
        self._surface = surface
        self._timeline = timeline
        self._chain: _Chain | None = None
        self._retired: list[_Chain] = []
        self._free: list[Any] = []
        self._waited: deque[tuple[int, Any]] = deque()
        self._abandoned: list[Any] = []
        self._index = ffi.new("uint32_t *")
        self.generation = 0
        self.stale = False
        surface.check(device)
        self.format, self._color_space = surface.choose_format(device)

    @property
    def extent(self) -> tuple[int, int]:
        """Width and height of the images in pixels; (0, 0) before the first acquire and while hidden."""
        return self._chain.extent if self._chain else (0, 0)

    @property
    def estimated_bytes(self) -> int:
        """About how many bytes the images take: their texels, of all that were not destroyed yet."""
        chains = [*([self._chain] if self._chain is not None else []), *self._retired]
        return sum(len(chain.images) * chain.extent[0] * chain.extent[1] * TEXEL_BYTES for chain in chains)

    @property
    def retired(self) -> int:
        """How many replaced swapchains are not destroyed yet."""
        return len(self._retired)

    def acquire(self) -> Target | None:
        """Acquire the next image; None if the window has no area or the acquire timed out."""
        self._collect()
        for _ in range(_ATTEMPTS):
            try:
                if (self._chain is None or self.stale) and not self._replace():
                    return None
                target, again = self._try_acquire()
            except SurfaceLost:
                self._replace_surface()
                continue
            if target is not None or not again:
                return target
        return None

    def present(self, target: Target, ticket: int) -> bool:
        """Present an image whose submit signals `ticket` on the timeline; False if it was not shown."""
        chain = self._chain
        assert chain is not None, "an image is presented to the swapchain that it was acquired from"
        self._waited.append((ticket, target.acquired))
        chain.last_ticket = ticket
        for old in self._retired:
            old.presents_since += 1
        info = new(
            "VkPresentInfoKHR",
            pWaitSemaphores=[target.rendered],
            swapchainCount=1,
            pSwapchains=[chain.handle],
            pImageIndices=[target.index],
        )
        try:
            status = self._device.call(
                "vkQueuePresentKHR",
                self._device.graphics.handle,
                info,
                allow=(Result.SUBOPTIMAL, Result.OUT_OF_DATE),
            )
        except SurfaceLost:
            self._replace_surface()
            return False
        self.stale = self.stale or status is not Result.SUCCESS
        return status is not Result.OUT_OF_DATE

    def release(self, target: Target) -> None:
        """Release an acquired image without presenting it; an empty submit waits for its semaphore."""
        self.stale = True
        ticket = self._timeline.submitted + 1
        stage = Stage.ALL_COMMANDS
        try:
            self._device.submit(
                self._device.graphics,
                (),
                waits=[(target.acquired, 0, stage)],
                signals=[self._timeline.signal(ticket, stage)],
            )
        except VulkanError:
            self._abandoned.append(target.acquired)
            raise
        self._waited.append((self._timeline.next(), target.acquired))

    def close(self) -> None:
        """Wait for the queue, then destroy everything, once."""
        try:
            self._wait_idle()
        finally:
            self._destroy_chains()
            waited = (semaphore for _, semaphore in self._waited)
            for semaphore in (*self._free, *self._abandoned, *waited):
                self._device.destroy("Semaphore", semaphore)
            self._free.clear()
            self._abandoned.clear()
            self._waited.clear()

    def _try_acquire(self) -> tuple[Target | None, bool]:
        """Return (acquired image or None, whether to try again with a new swapchain)."""
        chain = self._chain
        assert chain is not None
        semaphore = self._free.pop() if self._free else self._semaphore("acquired")
        try:
            status = self._device.call(
                "vkAcquireNextImageKHR",
                self._device.handle,
                chain.handle,
                ACQUIRE_TIMEOUT_NS,
                semaphore,
                NULL,
                self._index,
                allow=(Result.SUBOPTIMAL, Result.OUT_OF_DATE, Result.TIMEOUT, Result.NOT_READY),
            )
        except BaseException:
            self._free.append(semaphore)
            raise
        if status in (Result.OUT_OF_DATE, Result.TIMEOUT, Result.NOT_READY):
            self._free.append(semaphore)  # it was not signalled
            self.stale = self.stale or status is Result.OUT_OF_DATE
            return None, status is Result.OUT_OF_DATE
        self.stale = status is Result.SUBOPTIMAL  # the image is good: draw it, then make a new swapchain
        index = int(self._index[0])
        rendered = chain.rendered[index]
        return Target(
            index, chain.images[index], chain.views[index], chain.extent, semaphore, rendered
        ), False

    def _replace(self) -> bool:
        """Create a swapchain for the surface as it is now; False if it has no area."""
        found = self._surface.capabilities(self._device)
        if 0 in found.extent:
            return False
        c = constants
        old = self._chain
        info = new(
            "VkSwapchainCreateInfoKHR",
            surface=self._surface.handle,
            minImageCount=found.image_count,
            imageFormat=self.format,
            imageColorSpace=self._color_space,
            imageExtent={"width": found.extent[0], "height": found.extent[1]},
            imageArrayLayers=1,
            imageUsage=ImageUsage.COLOR_ATTACHMENT | ImageUsage.TRANSFER_DST,
            imageSharingMode=c.VK_SHARING_MODE_EXCLUSIVE,
            preTransform=found.transform,
            compositeAlpha=found.composite_alpha,
            presentMode=c.VK_PRESENT_MODE_FIFO_KHR,
            clipped=1,
            oldSwapchain=NULL if old is None else old.handle,
        )
        if old is not None:  # passed as oldSwapchain: it is retired even if the creation fails
            self._chain = None
            self._retired.append(old)
        try:
            handle = self._device.create("SwapchainKHR", info, name="window", why=_WHY)
        except VulkanError:
            self._free_surface()  # a driver may not have retired the old one, and none may be left then
            raise
        chain = _Chain(handle, found.extent, [], [], [])
        try:
            self._fill(chain)
        except BaseException:
            self._destroy(chain)
            raise
        self._chain = chain
        self.stale = False
        self.generation += 1
        return True

    def _fill(self, chain: _Chain) -> None:
        c = constants
        vk = self._device.vk
        chain.images = vk.enumerate("vkGetSwapchainImagesKHR", "VkImage", self._device.handle, chain.handle)
        whole = {"aspectMask": Aspect.COLOR, "levelCount": 1, "layerCount": 1}
        for index, image in enumerate(chain.images):
            info = new(
                "VkImageViewCreateInfo",
                image=image,
                viewType=c.VK_IMAGE_VIEW_TYPE_2D,
                format=self.format,
                subresourceRange=whole,
            )
            name = f"window image {index}"
            self._device.set_name("Image", image, name)
            chain.views.append(self._device.create("ImageView", info, name=name, why=_WHY))
            chain.rendered.append(self._semaphore(f"rendered {index}"))

    def _free_surface(self) -> None:
        """Wait for the queue, and destroy all swapchains of the surface."""
        self._wait_idle()
        self._destroy_chains()

    def _replace_surface(self) -> None:
        """Recreate a lost surface."""
        self._free_surface()
        self._surface.recreate()
        self._surface.check(self._device)

    def _collect(self) -> None:
        completed = self._timeline.completed()
        while self._waited and self._waited[0][0] <= completed:
            self._free.append(self._waited.popleft()[1])
        due = [
            old
            for old in self._retired
            if old.last_ticket <= completed
            and (old.presents_since >= PRESENTS_BEFORE_DESTROY or old.last_ticket == 0)
        ]
        for old in due:
            self._retired.remove(old)
            self._destroy(old)

    def _destroy_chains(self) -> None:
        gone = [*self._retired, *([self._chain] if self._chain else [])]
        self._chain, self._retired = None, []
        for chain in gone:
            self._destroy(chain)

    def _destroy(self, chain: _Chain) -> None:
        for view in chain.views:
            self._device.destroy("ImageView", view)
        for semaphore in chain.rendered:
            self._device.destroy("Semaphore", semaphore)
        self._device.destroy("SwapchainKHR", chain.handle)

    def _semaphore(self, name: str) -> Any:
        return self._device.create("Semaphore", new("VkSemaphoreCreateInfo"), name=f"window {name}", why=_WHY)

    def _wait_idle(self) -> None:
        """Wait for the graphics queue; only for a lost surface and for closing."""
        if self._device.lost:
            self._device.wait_idle()
            return
        try:
            self._device.call("vkQueueWaitIdle", self._device.graphics.handle)
        except DeviceLost:
            self._device.wait_idle()  # what was submitted may still use what is destroyed next
            raise
