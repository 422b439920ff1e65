"""Claims of test files about pixels: goldens, colours, and differences from a moment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.files import read_regular
from engine.humon import Kind, Node, expect, failure, integer, number, required, vector
from engine.testing.comparison.pictures import (
    LEVELS,
    SHARE,
    Box,
    Picture,
    Tolerance,
    box_mask,
    difference,
    from_png,
)
from engine.testing.goldens.findings import MAX_GOLDEN_BYTES
from engine.testing.goldens.goldens import GoldenError
from engine.testing.hu.playback import Playback
from engine.testing.hu.values import TestCode, box, fail, known_fields

WITHIN = 16
"""The default distance per channel within which a pixel has a colour."""


@dataclass(frozen=True)
class ColorClaim:
    """`{ color: [r g b]  within: 16  share: 0.01 }`: the least, or largest, share of pixels with a colour."""

    node: Node
    color: tuple[float, ...]
    within: int
    share: float

    @classmethod
    def read(cls, node: Node, share: float) -> ColorClaim:
        """Read the claim; raises InputError."""
        found = known_fields(node, ("color", "within", "share"), "a colour")
        return cls(
            node,
            vector(required(node, "color"), 3),
            integer(found["within"], 0, 255) if "within" in found else WITHIN,
            number(found["share"], 0, 1) if "share" in found else share,
        )

    def share_of(self, pixels: Picture, where: NDArray[np.bool_]) -> float:
        """Return the share of the pixels that have the colour, 0 to 1."""
        steps = np.abs(pixels[..., :3].astype(np.int16) - np.asarray(self.color, np.int16)).max(axis=2)
        counted = np.count_nonzero(where)
        return float(np.count_nonzero((steps <= self.within) & where) / counted) if counted else 0.0


@dataclass(frozen=True)
class PixelsClaim:
    """`pixels: { golden: NAME  sameAs: MOMENT  differsFrom: MOMENT  onlyInside: BOX  contains: {...} }`."""

    node: Node
    golden: Node | None
    same_as: Node | None
    differs_from: Node | None
    only_inside: Box | None
    contains: ColorClaim | None
    lacks: ColorClaim | None
    tolerance: Tolerance
    box: Box | None
    mask: Node | None

    @classmethod
    def read(cls, node: Node) -> PixelsClaim:
        """Read the claim; raises InputError."""
        compared = ("golden", "sameAs", "differsFrom", "onlyInside", "levels", "share")
        found = known_fields(node, (*compared, "contains", "lacks", "box", "mask"), "pixels")
        if "onlyInside" in found and "differsFrom" not in found:
            message = "'onlyInside' needs 'differsFrom'"
            raise failure(TestCode.FIELD, message, found["onlyInside"], "add `differsFrom: MOMENT`")
        share = found.get("share")
        levels = found.get("levels")
        return cls(
            node,
            found.get("golden"),
            found.get("sameAs"),
            found.get("differsFrom"),
            box(found["onlyInside"]) if "onlyInside" in found else None,
            ColorClaim.read(found["contains"], SHARE) if "contains" in found else None,
            ColorClaim.read(found["lacks"], 0.0) if "lacks" in found else None,
            Tolerance(integer(levels, 0, 255) if levels else LEVELS, number(share, 0, 1) if share else SHARE),
            box(found["box"]) if "box" in found else None,
            expect(found["mask"], Kind.VALUE) if "mask" in found else None,
        )

    def check(self, play: Playback) -> None:
        """Raise SceneTestFailure for the first claim that does not hold."""
        pixels = play.frame().rgb
        where = self._where(pixels, play)
        if self.golden is not None and play.goldens is not None:
            try:
                play.goldens.picture(self.golden.text, pixels, play.scene.driver, self.tolerance, mask=where)
            except GoldenError as error:
                raise fail(TestCode.PIXELS, str(error), self.golden) from None
        if self.same_as is not None:
            self._check_same(pixels, play, where, self.same_as)
        if self.differs_from is not None:
            self._check_differs(pixels, play, where, self.differs_from)
        for claim, must in ((self.contains, True), (self.lacks, False)):
            if claim is None:
                continue
            share = claim.share_of(pixels, where)
            if (share < claim.share) if must else (share > claim.share):
                wanted = f"at {'least' if must else 'most'} {claim.share:.3%}"
                color = " ".join(f"{value:g}" for value in claim.color)
                message = (
                    f"{share:.3%} of the pixels are within {claim.within} of [{color}], expected {wanted}"
                )
                median = [int(value) for value in np.median(pixels[where], axis=0)]
                help_text = f"the median colour is [{' '.join(map(str, median))}]"
                raise fail(TestCode.PIXELS, message, claim.node, help_text)

    def _check_same(self, pixels: Picture, play: Playback, where: NDArray[np.bool_], node: Node) -> None:
        then = self._earlier(pixels, play, node)
        found = difference(then, pixels, self.tolerance.levels, where)
        if found.share > self.tolerance.share:
            raise fail(TestCode.PIXELS, f"the frame differs from '{node.text}': {found}", node)

    def _check_differs(self, pixels: Picture, play: Playback, where: NDArray[np.bool_], node: Node) -> None:
        then = self._earlier(pixels, play, node)
        found = difference(then, pixels, self.tolerance.levels, where)
        if found.share <= self.tolerance.share:
            least = f"more than {self.tolerance.share:.3%}"
            message = f"the frame does not differ from '{node.text}': {found}, expected {least}"
            raise fail(TestCode.PIXELS, message, node)
        if self.only_inside is None:
            return
        outside = where & ~box_mask(pixels.shape[:2], self.only_inside)
        beyond = difference(then, pixels, self.tolerance.levels, outside)
        if beyond.share > self.tolerance.share:
            inside = "x {} y {} width {} height {}".format(*self.only_inside)
            message = f"the frame differs from '{node.text}' outside {inside} too: {beyond}"
            raise fail(TestCode.PIXELS, message, self.node["onlyInside"])

    @staticmethod
    def _earlier(pixels: Picture, play: Playback, node: Node) -> Picture:
        then = play.moment(node).frame
        assert then is not None, "claims about pixels are refused for profiles"
        if then.shape[:2] != pixels.shape[:2]:
            sizes = [f"{each.shape[1]}x{each.shape[0]}" for each in (then, pixels)]
            raise fail(
                TestCode.PIXELS, f"the frame at '{node.text}' was {sizes[0]}, it is {sizes[1]} now", node
            )
        return then.rgb

    def _where(self, pixels: Picture, play: Playback) -> NDArray[np.bool_]:
        shape = pixels.shape[:2]
        where = np.ones(shape, np.bool_) if self.box is None else box_mask(shape, self.box)
        if not where.any():
            raise fail(TestCode.PIXELS, f"the box holds no pixel of {shape[1]}x{shape[0]}", self.node["box"])
        if self.mask is not None:
            where = where & _mask(self.mask, shape, play)
        return where


def _mask(node: Node, shape: tuple[int, ...], play: Playback) -> NDArray[np.bool_]:
    """Read a mask from the folder of goldens: white pixels are compared, black ones are not."""
    name = Path(node.text).name
    folder = play.goldens.folder if play.goldens is not None else Path()
    path = folder / name
    if name != node.text or not os.path.isfile(path):
        raise fail(TestCode.PIXELS, f"there is no mask {path.name} in {folder}", node, "white pixels count")
    try:
        pixels, _ = from_png(read_regular(path, MAX_GOLDEN_BYTES))
    except (OSError, ValueError) as error:
        raise fail(TestCode.PIXELS, f"{path}: {error}", node) from None
    if pixels.shape[:2] != shape:
        sizes = f"{pixels.shape[1]}x{pixels.shape[0]} pixels, the frame {shape[1]}x{shape[0]}"
        raise fail(TestCode.PIXELS, f"the mask is {sizes}", node)
    return np.asarray(pixels[..., 0] > 127)
