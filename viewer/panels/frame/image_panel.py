"""Looking at an image of the frame: it is kept until the frame's end while it is looked at, and read back."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
from imgui_bundle import imgui
from numpy.typing import NDArray

from engine.graph import ImageDecl, Samples
from engine.render.frame_recorder import NotDrawn
from engine.runtime.frame_images import can_fetch
from engine.vk.errors import VulkanError
from engine.vk.facts import facts
from viewer.panels import sliders, widgets
from viewer.panels.frame.image_part import ImagePart
from viewer.session.session import Session

if TYPE_CHECKING:
    from viewer.session.pictures import Picture

EVERY_S = 0.5
MOST_TEXELS = 500
"""The longer side of a picture of an image: it finds room in a page of the atlas."""
MOST_STOPS = 10.0
CHANNELS = ("colour", "red", "green", "blue", "alpha")


class ImageViewer:
    """Shows a part of one image, read back twice a second at most, and its texel under the mouse."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.chosen: str | None = None
        self._read_at = 0.0
        self._texels: NDArray[Any] | None = None
        self._made_of: tuple[object, ...] | None = None
        self._channel = 0
        self._exposure = 0.0
        self._problem = ""
        self._part = ImagePart()
        self._fetched: tuple[tuple[object, ...], bool] | None = None

    def choose(self, image: str | None) -> None:
        """Look at an image, or at none."""
        self._session.pictures.forget(("frame image", self.chosen))
        self.chosen, self._texels, self._made_of, self._problem = image, None, None, ""
        self._read_at, self._part = 0.0, ImagePart()
        self._session.wake(EVERY_S)

    def draw(self) -> None:
        """Draw the image into the rest of the window."""
        name = self.chosen
        if name is None:
            return
        self._session.wake(EVERY_S)
        declared = self._declared(name)
        self._read(name, declared)
        widgets.cut(name)
        self._controls()
        if declared is not None:
            self._choose_part(declared)
        if self._texels is None:
            widgets.quiet(self._problem or "waits for a frame with this image")
            return
        picture = self._picture()
        if picture is None:
            return
        width, height = picture.size
        room = imgui.get_content_region_avail()
        scale = min(room.x / width, max(1.0, room.y - imgui.get_text_line_height_with_spacing()) / height)
        corner = imgui.get_cursor_screen_pos()
        imgui.image(imgui.ImTextureRef(picture.number), (width * scale, height * scale))
        self._session.places["frame image"] = widgets.item_box()
        if imgui.is_item_hovered():
            mouse, (rows, columns) = imgui.get_mouse_pos(), self._texels.shape[:2]
            x = min(columns - 1, max(0, int((mouse.x - corner.x) / (width * scale) * columns)))
            y = min(rows - 1, max(0, int((mouse.y - corner.y) / (height * scale) * rows)))
            values = ", ".join(f"{value:.6g}" for value in np.atleast_1d(self._texels[y, x]).tolist())
            widgets.quiet(f"texel {x}, {y}: {values}")
        else:
            low, high = _range(self._texels)
            widgets.quiet(f"values from {low:.6g} to {high:.6g}")

    def _controls(self) -> None:
        imgui.set_next_item_width(imgui.get_font_size() * 6)
        _, self._channel = imgui.combo("##channel", self._channel, list(CHANNELS))
        imgui.same_line()
        imgui.set_next_item_width(imgui.get_font_size() * 8)
        _, self._exposure = sliders.slide_float(
            "##exposure", self._exposure, -MOST_STOPS, MOST_STOPS, "%.1f EV"
        )
        self._session.places["frame exposure"] = widgets.item_box()

    def _choose_part(self, image: ImageDecl) -> None:
        """Let another part of the image be chosen, which is read at once."""
        runtime, part = self._session.runtime, self._part
        count = self._samples()
        before = part.layer, part.level, part.sample(image, count)
        for name, box in part.draw(image, count, image.extent.resolve(runtime.size)).items():
            self._session.places[f"frame {name}"] = box
        if (part.layer, part.level, part.sample(image, count)) != before:
            self._read_at = 0.0
            self._session.wake(EVERY_S)

    def _read(self, name: str, image: ImageDecl | None) -> None:
        """Read the image again, if that is due; it may take a frame until it is kept."""
        runtime, now = self._session.runtime, time.monotonic()
        if image is None:
            self._texels, self._problem = None, "no pass of this frame writes it"
            return
        if not self._can_be_read(image):
            form = image.format.name.lower()
            reason = f"shaders of this device cannot read {self._samples()} samples of {form}"
            self._texels, self._problem = None, f"{reason}: look at what they become"
            return
        self._session.watched_images.add(name)
        graph = runtime.renderer.graph
        is_due = now >= self._read_at + EVERY_S and runtime.renderer.ready
        if not is_due or graph is None or graph.readable(name) is None:
            return
        self._read_at, part = now, self._part
        part.fit(image)
        try:
            sample = part.sample(image, self._samples())
            self._texels, self._problem = runtime.read_pixels(image, part.layer, part.level, sample), ""
        except (VulkanError, NotDrawn) as error:
            self._texels, self._problem = None, f"it cannot be read: {error}"

    def _samples(self) -> int:
        """How many samples a texel has in images with several."""
        needs = self._session.runtime.needs
        return needs.samples if needs is not None else 1

    def _can_be_read(self, image: ImageDecl) -> bool:
        """Whether the device can read an image: one with several samples by a shader alone."""
        if image.samples is not Samples.FRAME:
            return True
        device, samples = self._session.runtime.device, self._samples()
        about = device, image.format, samples
        if self._fetched is None or self._fetched[0] != about:
            self._fetched = about, can_fetch(facts(device)["limits"], image.format, samples)
        return self._fetched[1]

    def _declared(self, name: str) -> ImageDecl | None:
        graph = self._session.runtime.renderer.graph
        if graph is None:
            return None
        found = [life.image for life in graph.images if life.image.name == name]
        return found[0] if found else None

    def _picture(self) -> Picture | None:
        """The picture of the texels, as it was until what was read or chosen since is in it."""
        texels, channel, exposure = self._texels, self._channel, self._exposure
        assert texels is not None
        key, pictures = ("frame image", self.chosen), self._session.pictures
        state = (self._read_at, channel, exposure)
        if state != self._made_of and pictures.renew(key, lambda: shown(texels, channel, exposure)):
            self._made_of = state
        return pictures.find(key, lambda: shown(texels, channel, exposure))


def shown(texels: NDArray[Any], channel: int = 0, exposure: float = 0.0) -> NDArray[np.uint8]:
    """Make a picture of texels, [height, width] or [height, width, channels]: uint8[h, w, 4], sRGB, opaque.

    8-bit values are taken as they are, others as linear light, stretched to their range where it is not from
    0 to 1 and there is one channel. `channel` is a number of CHANNELS, `exposure` in stops. Large images are
    made smaller by leaving texels out.
    """
    step = max(1, -(-max(texels.shape[:2]) // MOST_TEXELS))
    part = texels[::step, ::step]
    if part.ndim == 2:
        part = part[..., None]
    is_encoded = part.dtype == np.uint8
    values = part.astype(np.float32) / (255.0 if is_encoded else 1.0)
    if np.issubdtype(part.dtype, np.integer) and not is_encoded:
        values = values / float(np.iinfo(part.dtype).max)
    if part.shape[2] == 1:
        low, high = _range(part)
        if not is_encoded and high > low:
            values = (values - low) / (high - low)
        values = np.repeat(values, 3, axis=2)
    if channel and channel <= values.shape[2]:
        values = np.repeat(values[..., channel - 1 : channel], 3, axis=2)
    colours = np.zeros((*values.shape[:2], 3), np.float32)
    count = min(3, values.shape[2])
    colours[..., :count] = values[..., :count]
    colours = np.nan_to_num(colours, nan=0.0, posinf=1e6, neginf=0.0) * 2.0**exposure
    colours = np.clip(colours, 0.0, 1.0)
    if not is_encoded:
        colours = np.where(colours <= 0.0031308, colours * 12.92, 1.055 * colours ** (1 / 2.4) - 0.055)
    picture = np.full((*colours.shape[:2], 4), 255, np.uint8)
    picture[..., :3] = np.round(colours * 255.0)
    return picture


def _range(texels: NDArray[Any]) -> tuple[float, float]:
    """The least and the greatest finite value; 0 and 0 where there is none."""
    values = np.asarray(texels, np.float64)
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
