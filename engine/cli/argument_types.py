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
LARGEST = 10**MOST_DIGITS - 1
SHOWN_DIGITS = 40


def positive(text: str) -> int:
    """Read a whole number from 1 to 999,999,999. Raises ArgumentTypeError."""
    if not _is_digits(text) or not text.strip("0"):
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number of 1 or more{_hint(text)}")
    return _at_most(text, LARGEST)


def up_to(most: int) -> Callable[[str], int]:
    """Return the type of whole numbers from 0 to `most`, which raises ArgumentTypeError."""

    def read(text: str) -> int:
        if not _is_digits(text):
            raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 0 to {most}{_hint(text)}")
        return _at_most(text, most)

    return read


def seconds(text: str) -> float:
    """Read a time, digits with or without a decimal point, below 1e9. Raises ArgumentTypeError."""
    whole, _, part = text.partition(".")
    if not _is_digits(whole + part):
        raise argparse.ArgumentTypeError(
            f"'{text}' is not a number of seconds, such as 2 or 0.5{_hint(text)}"
        )
    if len(part) > MOST_DIGITS:
        raise argparse.ArgumentTypeError(f"'{text}' has more than {MOST_DIGITS} digits behind the point")
    return float(f"{_at_most(whole or '0', LARGEST)}.{part or '0'}")


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _at_most(digits: str, most: int) -> int:
    """Read digits. Raises ArgumentTypeError for a number of more than `most`."""
    digits = digits.lstrip("0") or "0"
    if len(digits) > MOST_DIGITS or int(digits) > most:
        shown = digits if len(digits) <= SHOWN_DIGITS else f"{digits[:SHOWN_DIGITS]}..."
        raise argparse.ArgumentTypeError(f"{shown} is more than {most}")
    return int(digits)


def _hint(text: str) -> str:
    """Return what to do about a number in another notation: other digits, signs, points, exponents."""
    has_digits = any(character.isdigit() for character in text) and not _is_digits(text)
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
