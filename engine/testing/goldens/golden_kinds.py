"""The kinds of golden, picture and text: how each is written, read back and compared."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

from engine.testing.comparison.pictures import Box, Picture, Tolerance, box_mask, difference, from_png, to_png
from engine.testing.comparison.plan_difference import plan_difference
from engine.testing.goldens.findings import FindingKind

if TYPE_CHECKING:
    from numpy.typing import NDArray

MADE_ON = "made on "


class GoldenKind(Protocol):
    """A result of a test that can be compared with a golden file."""

    @property
    def kind(self) -> FindingKind:
        """Picture or text."""

    @property
    def suffix(self) -> str:
        """The end of the golden's file name."""

    def data(self, driver: str) -> bytes:
        """Return the file content for this result as a golden."""

    def difference_from(self, expected: bytes) -> str:
        """Describe the difference from a golden's file content; empty if there is none."""

    def made_on(self, expected: bytes) -> str:
        """Return the driver that a golden was made on; empty if the file does not name one."""


@dataclass(frozen=True)
class PictureKind:
    """A frame, uint8[height, width, 3]; `box` and `mask`, bool[height, width], select the compared pixels."""

    pixels: Picture
    tolerance: Tolerance = field(default_factory=Tolerance)
    box: Box | None = None
    mask: NDArray[np.bool_] | None = None
    kind: FindingKind = FindingKind.PICTURE
    suffix: str = ".png"

    def data(self, driver: str) -> bytes:
        """Return a PNG whose comment names the driver."""
        return to_png(self.pixels, {"Comment": MADE_ON + driver})

    def difference_from(self, expected: bytes) -> str:
        """Compare pixel by pixel, within the tolerance."""
        try:
            golden, _ = from_png(expected)
        except ValueError as error:
            return str(error)
        shape = self.pixels.shape[:2]
        if golden.shape[:2] != shape:
            return f"it is {_size(golden.shape)} pixels, the frame {_size(shape)}"
        where = np.ones(shape, np.bool_) if self.mask is None else self.mask
        if where.shape != shape:
            return f"the mask is {_size(where.shape)} pixels, the frame {_size(shape)}"
        if self.box is not None:
            where = where & box_mask(shape, self.box)
        found = difference(golden, self.pixels, self.tolerance.levels, where)
        if found.share <= self.tolerance.share:
            return ""
        levels, share = self.tolerance.levels, self.tolerance.share
        return f"{found}; allowed are {levels} levels, and more in {share:.3%} of the pixels"

    def made_on(self, expected: bytes) -> str:
        """Read the comment."""
        try:
            comment = from_png(expected)[1].get("Comment", "")
        except ValueError:
            return ""
        return comment.removeprefix(MADE_ON) if comment.startswith(MADE_ON) else ""


@dataclass(frozen=True)
class TextKind:
    """A plan in Humon, or another text; compared exactly."""

    text: str
    suffix: str = ".plan.hu"
    kind: FindingKind = FindingKind.TEXT

    def data(self, driver: str) -> bytes:
        """Return a comment that names the driver, then the text."""
        return f"// {MADE_ON}{driver}\n{self.text}".encode()

    def difference_from(self, expected: bytes) -> str:
        """Compare line by line."""
        body = golden_text(expected)
        if body == self.text:
            return ""
        return "it differs\n" + (plan_difference(body, self.text) or "in its line breaks")

    def made_on(self, expected: bytes) -> str:
        """Read the comment in the first line."""
        first = _decoded(expected).partition("\n")[0]
        return first.removeprefix(f"// {MADE_ON}").strip() if first.startswith(f"// {MADE_ON}") else ""


def golden_text(data: bytes) -> str:
    """Return the text of a golden without the comment that names its driver."""
    text = _decoded(data)
    first, _, rest = text.partition("\n")
    return rest if first.startswith(f"// {MADE_ON}") else text


def _decoded(data: bytes) -> str:
    return data.decode("utf-8", "replace").replace("\r\n", "\n")


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]}x{shape[0]}"
