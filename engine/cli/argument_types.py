"""What both command lines share: their parser, and the types of integers, times and picture sizes."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from _typeshed import SupportsWrite


WRONG_OPTION = "option.value"


class Parser(argparse.ArgumentParser):
    """A parser whose help does not vanish where it cannot be written: argparse ignores that error.

    Its errors have the form of all others, with the code `option.value`.
    """

    def error(self, message: str) -> NoReturn:
        """Print the error and a hint, and end with 2."""
        from engine.humon import nearest  # not before it is needed

        known = [name for action in self._actions for name in action.option_strings]
        words = [word.partition("=")[0].rstrip(":") for word in message.split() if word.startswith("-")]
        near = next(filter(None, (nearest(word, known) for word in words if word not in known)), None)
        hint = f"did you mean '{near}'?" if near else f"`{self.prog} --help` lists all options"
        self.exit(2, f"error[{WRONG_OPTION}]: {message}\nhelp: {hint}\n")

    def _print_message(self, message: str, file: SupportsWrite[str] | None = None) -> None:
        print(message, end="", file=file or sys.stderr)


DEFAULT_SIZE = (1280, 720)
LARGEST_SIDE = 16384
MOST_DIGITS = 9


def positive(text: str) -> int:
    """Read a whole number from 1 to 999,999,999. Raises ArgumentTypeError."""
    is_plain = text.isascii() and text.isdigit()
    if not is_plain or len(text) > MOST_DIGITS or int(text) < 1:
        hint = "" if is_plain else _hint(text)
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number of 1 or more{hint}")
    return int(text)


def up_to(most: int) -> Callable[[str], int]:
    """Return the type of whole numbers from 0 to `most`, which raises ArgumentTypeError."""

    def read(text: str) -> int:
        is_plain = text.isascii() and text.isdigit()
        if not is_plain or len(text) > MOST_DIGITS or int(text) > most:
            hint = "" if is_plain else _hint(text)
            raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 0 to {most}{hint}")
        return int(text)

    return read


def seconds(text: str) -> float:
    """Read a time, digits with or without a decimal point, below 1e9. Raises ArgumentTypeError."""
    whole, _, part = text.partition(".")
    is_plain = text.isascii() and (whole + part).isdigit()
    if not is_plain or len(whole) > MOST_DIGITS or len(part) > MOST_DIGITS:
        hint = "" if is_plain else _hint(text)
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of seconds, such as 2 or 0.5{hint}")
    return float(text)


def _hint(text: str) -> str:
    """Return what to do about a number in another notation: other digits, signs, points, exponents."""
    has_digits = any(character.isdigit() for character in text)
    return "; write it with the digits 0 to 9 alone" if has_digits else ""


def add_size(parser: argparse.ArgumentParser) -> None:
    """Add the option `--size WxH` to a command."""
    parser.add_argument(
        "--size",
        metavar="WxH",
        type=size,
        default=DEFAULT_SIZE,
        help=f"framebuffer size in pixels (default: {DEFAULT_SIZE[0]}x{DEFAULT_SIZE[1]})",
    )


def _hint_size(text: str) -> str:
    has_digits = any(character.isdigit() for character in text)
    return "; write it with the digits 0 to 9 and the letter x" if has_digits and not text.isascii() else ""


def size(text: str) -> tuple[int, int]:
    """Read width and height in pixels, `1280x720`. Raises ArgumentTypeError."""
    width, cross, height = text.lower().partition("x")
    if not cross:
        raise argparse.ArgumentTypeError(
            f"'{text}' is not WIDTHxHEIGHT, for example 1280x720{_hint_size(text)}"
        )
    sides = positive(width), positive(height)
    if max(sides) > LARGEST_SIDE:
        raise argparse.ArgumentTypeError(f"'{text}' is larger than {LARGEST_SIDE} pixels on a side")
    return sides
