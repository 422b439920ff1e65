"""Argument types that both command lines share: positive integers and picture sizes."""

from __future__ import annotations

import argparse

DEFAULT_SIZE = (1280, 720)
LARGEST_SIDE = 16384
MOST_DIGITS = 9


def positive(text: str) -> int:
    """Read a whole number from 1 to 999,999,999. Raises ArgumentTypeError."""
    if not text.isdecimal() or len(text) > MOST_DIGITS or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number of 1 or more")
    return int(text)


def add_size(parser: argparse.ArgumentParser) -> None:
    """Add the option `--size WxH` to a command."""
    parser.add_argument(
        "--size",
        metavar="WxH",
        type=size,
        default=DEFAULT_SIZE,
        help=f"framebuffer size in pixels (default: {DEFAULT_SIZE[0]}x{DEFAULT_SIZE[1]})",
    )


def size(text: str) -> tuple[int, int]:
    """Read width and height in pixels, `1280x720`. Raises ArgumentTypeError."""
    width, cross, height = text.lower().partition("x")
    if not cross:
        raise argparse.ArgumentTypeError(f"'{text}' is not WIDTHxHEIGHT, for example 1280x720")
    sides = positive(width), positive(height)
    if max(sides) > LARGEST_SIDE:
        raise argparse.ArgumentTypeError(f"'{text}' is larger than {LARGEST_SIDE} pixels on a side")
    return sides
