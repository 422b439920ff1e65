"""The comparator refuses what a broken renderer would draw."""

from __future__ import annotations

import numpy as np
import pytest
from support import images


@pytest.fixture
def picture() -> images.Picture:
    ys, xs = np.mgrid[0:200, 0:300]
    made = np.empty((200, 300, 4), np.uint8)
    made[..., 0] = 40 + xs // 2
    made[..., 1] = 30 + ys
    made[..., 2] = 128 + (xs + ys) % 64
    made[..., 3] = 255
    return made


def test_a_picture_is_the_same_as_itself(picture: images.Picture) -> None:
    assert images.assert_same(picture, picture.copy()) == images.Difference(0, 0, 60_000, None)


def test_two_levels_everywhere_and_a_thousandth_beyond_still_pass(picture: images.Picture) -> None:
    other = picture + np.uint8(2)
    other[..., 3] = 255
    other[0, :60, 0] = 255
    assert images.assert_same(picture, other).beyond == 60


def test_one_pixel_more_than_a_thousandth_fails(picture: images.Picture) -> None:
    other = picture.copy()
    other[0, :61, 0] = 255
    with pytest.raises(AssertionError, match="61 of 60000 pixels"):
        images.assert_same(picture, other)


@pytest.mark.parametrize("channel", range(4))
def test_a_lost_channel_fails(picture: images.Picture, channel: int) -> None:
    other = picture.copy()
    other[..., channel] = 0
    with pytest.raises(AssertionError):
        images.assert_same(picture, other)


@pytest.mark.parametrize("sign", [1, -1])
def test_three_levels_fail_whether_brighter_or_darker(picture: images.Picture, sign: int) -> None:
    other = (picture.astype(np.int16) + 3 * sign).clip(0, 255).astype(np.uint8)
    with pytest.raises(AssertionError):
        images.assert_same(picture, other)


def test_white_against_black_does_not_wrap_around() -> None:
    white, black = np.full((4, 4, 4), 255, np.uint8), np.zeros((4, 4, 4), np.uint8)
    assert images.compare(white, black).largest == images.compare(black, white).largest == 255


@pytest.mark.parametrize("broken", ["swapped", "flipped", "mirrored", "moved", "black", "twice_decoded"])
def test_what_a_broken_renderer_draws_fails(picture: images.Picture, broken: str) -> None:
    other = {
        "swapped": picture[..., [2, 1, 0, 3]],
        "flipped": picture[::-1],
        "mirrored": picture[:, ::-1],
        "moved": np.roll(picture, 3, axis=0),
        "black": np.zeros_like(picture),
        "twice_decoded": (255 * (picture / 255.0) ** 2.2).astype(np.uint8),
    }[broken]
    with pytest.raises(AssertionError):
        images.assert_same(picture, other)


def test_a_lost_block_fails_and_its_place_is_reported(picture: images.Picture) -> None:
    other = picture.copy()
    other[20:40, 50:70] = 0
    with pytest.raises(AssertionError, match=r"x 50\.\.69, y 20\.\.39"):
        images.assert_same(picture, other)


def test_another_size_fails(picture: images.Picture) -> None:
    with pytest.raises(AssertionError, match="different shape"):
        images.assert_same(picture, picture[:-1])


def test_floats_are_refused(picture: images.Picture) -> None:
    with pytest.raises(AssertionError, match="uint8"):
        images.assert_same(picture.astype(np.float32), picture)


def test_the_same_picture_is_not_different(picture: images.Picture) -> None:
    with pytest.raises(AssertionError):
        images.assert_different(picture, picture - np.uint8(1))
    images.assert_different(picture, picture[::-1])


def test_averages_forgive_sharpness_but_not_light_or_shape(picture: images.Picture) -> None:
    flickering = picture[:, :, :3].copy()
    flickering[::2, ::2] = np.clip(flickering[::2, ::2].astype(int) + 40, 0, 255)
    flickering[1::2, 1::2] = np.clip(flickering[1::2, 1::2].astype(int) - 40, 0, 255)
    plain = picture[:, :, :3]
    images.assert_different(flickering, plain)
    images.assert_same(images.averaged(flickering[:, :296], 8), images.averaged(plain[:, :296], 8), 4)
    shadowed = plain.copy()
    shadowed[40:60, 40:60] //= 2
    with pytest.raises(AssertionError, match="differ"):
        images.assert_same(images.averaged(shadowed[:, :296], 8), images.averaged(plain[:, :296], 8), 4)
