"""Reads typed values from nodes: numbers, booleans, vectors, choices; errors have the node's position."""

import math
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from functools import cache, lru_cache
from heapq import nsmallest
from typing import Any, Protocol, TypeVar, overload

from engine.humon.codes import Code
from engine.humon.diagnostics import COMMA_HINT, DECIMAL_COMMA, quoted
from engine.humon.limits import MANY_NAMES, MAX_DIGITS, MAX_SHOWN_NAMES, NEIGHBOURS
from engine.humon.node import Kind, Node
from engine.humon.problem import InputError, Problem, Severity
from engine.humon.tokens import QUOTES, WORDS

T = TypeVar("T")
E = TypeVar("E", bound=Enum)
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_INTEGER = re.compile(r"[+-]?[0-9]+")
_NOT_FINITE = re.compile(r"[+-]?(?:nan|inf|infinity)", re.IGNORECASE)
_PLAIN_VECTOR = re.compile(r"[0-9eE+\-. \t\r\n\[\]]*")
_NOT_BARE = QUOTES + "["
_LARGEST = 3.4e38
"""Bounds beyond it are those of 32-bit floats."""
_SHORTER = "write it with fewer digits"
_BOOLEANS = {
    **dict.fromkeys(("yes", "on", "1", "true"), "write true"),
    **dict.fromkeys(("no", "off", "0", "false"), "write false"),
}
"""Hints for what was probably meant, by what was written in lower case."""
_SIMILAR = 0.6
"""Ratio of `difflib` from which a known name is similar enough to be suggested."""
_KIND_HINTS = {
    Kind.LIST: "write entries in brackets: [ one two ]",
    Kind.DICT: "write keys with their values in braces: { key: value }",
    Kind.VALUE: "write one word or number, or a text in quotes",
}
_KINDS = {Kind.LIST: "a list [ ]", Kind.DICT: "a dict { }", Kind.VALUE: "a value"}


class Reporter(Protocol):
    """A document that makes problems at its nodes: of Humon, or of another format."""

    def problem(
        self, code: str, message: str, node: Any, help: str = "", severity: Severity = Severity.ERROR
    ) -> Problem:
        """Return a problem at a node."""
        ...


class Place(Protocol):
    """A node of a document, as far as problems need it."""

    @property
    def document(self) -> Reporter:
        """The document that it is a node of."""
        ...


def failure(code: str, message: str, node: Place, help: str = "") -> InputError:
    """Return an InputError with one problem at `node`."""
    return InputError(node.document.problem(code, message, node, help))


def written_hint(node: Node, value: float) -> str:
    """Return the hint to write a number in place of that of a node, with its key if it has one."""
    shown = f"{value:g}" if float(f"{value:g}") == value else repr(value)
    return f"write `{node.key}: {shown}`" if node.key else f"write {shown}"


def expect(node: Node, kind: Kind) -> Node:
    """Return `node` if it is of this kind. Raises InputError `value.kind`."""
    if node.kind is not kind:
        message = f"{named(node)} must be {_KINDS[kind]}, not {_KINDS[node.kind]}"
        raise failure(Code.KIND, message, node, _KIND_HINTS[kind])
    return node


def required(node: Node, key: str) -> Node:
    """Return the child `key` of a dict. Raises InputError `value.missing` if there is none."""
    child = node.get(key)
    if child is None:
        expect(node, Kind.DICT)
        raise failure(Code.MISSING, f"{named(node)} has no '{key}'", node, f"add `{key}: ...`")
    return child


def text(node: Node) -> str:
    """Return the text of a value. Raises InputError `value.kind`."""
    content = node.document.columns.contents[node.row]
    if isinstance(content, str) and content[0] not in _NOT_BARE:
        return content
    return expect(node, Kind.VALUE).text


def texts(node: Node) -> list[str]:
    """Return the texts of the values in a list; of bare words without a node for each.

    Raises InputError `value.kind` for an entry that is no value.
    """
    content = node.document.columns.contents[node.row]
    if isinstance(content, str) and content[0] == "[":
        return WORDS.findall(content)
    return [text(child) for child in node]


def number(node: Node, minimum: float = -math.inf, maximum: float = math.inf) -> float:
    """Return a finite number within the bounds, inclusive. Raises `value.number` or `value.range`."""
    written = text(node)
    if len(written) > MAX_DIGITS and _NUMBER.fullmatch(written):
        raise failure(Code.RANGE, f"{named(node)} has more than {MAX_DIGITS} digits", node, _SHORTER)
    if not _NUMBER.fullmatch(written):
        if _NOT_FINITE.fullmatch(written):
            message = f"{named(node)} must be finite, not {quoted(written)}"
            raise failure(Code.RANGE, message, node, f"write a number{_between(minimum, maximum)}")
        message = f"{named(node)} must be a number, not {quoted(written)}"
        hint = f"write a number{_between(minimum, maximum) or ', such as 1 or 0.5'}"
        raise failure(Code.NUMBER, message, node, _digits_hint(written) or hint)
    value = float(written)
    if math.isinf(value):
        message = f"{named(node)} must be finite: {quoted(written)} is too large"
        raise failure(Code.RANGE, message, node, f"write a number{_between(minimum, maximum)}")
    if not minimum <= value <= maximum:
        fits = abs(value) <= max(abs(minimum), abs(maximum))
        what = _bounds(minimum, maximum) if fits else f"from {minimum:g} to {maximum:g}"
        message = f"{named(node)} must be {what}, not {written}"
        raise failure(Code.RANGE, message, node, written_hint(node, min(max(value, minimum), maximum)))
    return value


def integer(node: Node, minimum: int | None = None, maximum: int | None = None) -> int:
    """Return a whole number within the bounds, inclusive. Raises `value.number` or `value.range`."""
    written = text(node)
    if not _INTEGER.fullmatch(written):
        near = round(number(node))
        message = f"{named(node)} must be a whole number, not {quoted(written)}"
        raise failure(Code.NUMBER, message, node, written_hint(node, near))
    if len(written) > MAX_DIGITS:
        raise failure(Code.RANGE, f"{named(node)} has more than {MAX_DIGITS} digits", node, _SHORTER)
    value = int(written)
    low, high = -math.inf if minimum is None else minimum, math.inf if maximum is None else maximum
    if not low <= value <= high:
        message = f"{named(node)} must be {_bounds(low, high)}, not {written}"
        raise failure(Code.RANGE, message, node, written_hint(node, int(min(max(value, low), high))))
    return value


def boolean(node: Node) -> bool:
    """Return True for `true`, False for `false`. Raises `value.boolean` for anything else."""
    content = node.document.columns.contents[node.row]
    written = content if content in ("true", "false") else text(node)
    if written == "true":
        return True
    if written == "false":
        return False
    message = f"{named(node)} must be true or false, not {quoted(written)}"
    raise failure(Code.BOOLEAN, message, node, _BOOLEANS.get(written.lower(), "write true or false"))


def vector(node: Node, count: int | None = None) -> tuple[float, ...]:
    """Return the finite numbers of a list, exactly `count` if given.

    Raises `value.kind`, `value.count`, `value.number` or `value.range`. A list of bare words is
    converted from its text, without a node per number.
    """
    content = node.document.columns.contents[node.row]
    if isinstance(content, str) and len(content) <= MAX_DIGITS and _PLAIN_VECTOR.fullmatch(content):
        try:
            values = tuple(map(float, content[1:-1].split()))
        except ValueError:
            values = (math.inf,)  # the slow path below reports which number it is
        if (count is None or len(values) == count) and content[0] == "[" and all(map(math.isfinite, values)):
            return values
    expect(node, Kind.LIST)
    if count is not None and len(node) != count:
        message = f"{named(node)} must have {count} numbers, not {len(node)}"
        has_comma = isinstance(content, str) and DECIMAL_COMMA.search(content)
        hint = f"write {count} numbers between brackets, with a space between them"
        raise failure(Code.COUNT, message, node, COMMA_HINT if has_comma else hint)
    return tuple([number(child) for child in node])


@overload
def choice(node: Node, known: type[E]) -> E: ...
@overload
def choice(node: Node, known: Mapping[str, T]) -> T: ...
@overload
def choice(node: Node, known: tuple[str, ...] | list[str] | frozenset[str]) -> str: ...
def choice(node: Node, known: type[E] | Mapping[str, T] | Iterable[str]) -> object:
    """Return the choice with the name in the node's text.

    `known` is an Enum (the name of a member is its value if that is a str, else its name in lower case), a
    mapping from names, or only names. Raises `value.choice` with the nearest known name.
    """
    written = text(node)
    names = _names(known)
    if written not in names:
        message = f"{named(node)} is not a known name: {quoted(written)}"
        raise failure(Code.CHOICE, message, node, suggestion(written, names))
    return names[written]


def plain(node: Node) -> object:
    """Return a node as dicts, lists and str; metatags of a dict become keys that begin with `@`."""
    if node.kind is Kind.VALUE:
        return node.text
    if node.kind is Kind.LIST:
        return [plain(child) for child in node]
    tags: dict[str, object] = {f"@{key}": text for key, text in node.metatags.items()}
    return tags | {key: plain(child) for key, child in node.items()}


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is most similar to `name`, or None if none is similar.

    The same as `difflib.get_close_matches`, which compares all similar names to the end, not only those that
    may be better than the best before. Of more than MANY_NAMES those are compared that begin or end most
    like `name`.
    """
    from difflib import SequenceMatcher

    matcher = SequenceMatcher(b=name.lower())
    best, found = (_SIMILAR, ""), None
    names = tuple(known)
    for other in names if len(names) <= MANY_NAMES else _alike(name, names):
        lowered = other.lower()
        matcher.set_seq1(lowered)
        if matcher.real_quick_ratio() >= best[0] and matcher.quick_ratio() >= best[0]:
            ratio = (matcher.ratio(), lowered)
            if ratio > best:
                best, found = ratio, other
    return found


def misspelt(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that `name` differs from by so little that it is probably meant, or None.

    That is by case alone, or with 4 letters and more by one that is another, missing, too much, or has
    changed places with its neighbour; by two of these from 8 letters on. The first letter is right, as it
    mostly is in what is misspelt: night is not light. `nearest` takes much more for alike.
    """
    most = 0 if len(name) < 4 else 1 if len(name) < 8 else 2
    lowered = name.lower()
    alike = [other for other in known if other != name and other[:1].lower() == lowered[:1]]
    counts = [(_changes(lowered, other.lower()), other) for other in alike]
    count, found = min(counts, default=(most + 1, ""))
    return found if count <= most else None


def _changes(one: str, other: str) -> int:
    """Return how many letters lie between two words (Damerau and Levenshtein's optimal string alignment)."""
    before, last = [0] * (len(other) + 1), list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        now = [row]
        for column, wanted in enumerate(other, 1):
            now.append(min(last[column] + 1, now[-1] + 1, last[column - 1] + (letter != wanted)))
            if min(row, column) > 1 and one[row - 2 : row] == wanted + other[column - 2]:
                now[column] = min(now[column], before[column - 2] + 1)
        before, last = last, now
    return last[-1]


def with_article(noun: str) -> str:
    """Return a noun behind its article: "a mesh", "an animation"."""
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return the help line for an unknown name: the nearest known one, or all of them if they are few."""
    names = list(known)
    near = nearest(name, names)
    if near is not None:
        return f"did you mean '{near}'?"
    shown = nsmallest(MAX_SHOWN_NAMES, names)
    more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    return f"known: {', '.join(shown)}{more}" if names else ""


def _alike(name: str, known: tuple[str, ...]) -> Iterator[str]:
    """Yield the neighbours of a name in the order of the known names, and in that of their reverses."""
    for lowered, names in zip((name.lower(), name.lower()[::-1]), _ordered(known), strict=True):
        place = bisect_left(names, (lowered, ""))
        for _, other in names[max(0, place - NEIGHBOURS) : place + NEIGHBOURS]:
            yield other


@lru_cache(maxsize=1)
def _ordered(known: tuple[str, ...]) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return (lower case, name) and (lower case reversed, name) in order; the last ones are remembered."""
    lowered = [(name.lower(), name) for name in known]
    return sorted(lowered), sorted((low[::-1], name) for low, name in lowered)


def _names(known: type[E] | Mapping[str, T] | Iterable[str]) -> Mapping[str, object]:
    if isinstance(known, type):
        return _members(known)
    if isinstance(known, Mapping):
        return known
    return {name: name for name in known}


@cache
def _members(known: type[Enum]) -> Mapping[str, Enum]:
    """Return the members of an enum by the names that files give them; made once."""
    return {m.value if isinstance(m.value, str) else m.name.lower(): m for m in known}


def named(node: Node) -> str:
    """Return what a message calls a node: its key in quotes, or without one `this entry`."""
    return f"'{node.key}'" if node.key is not None else "this entry"


def _digits_hint(written: str) -> str:
    """Return what to do about a number in another notation: other digits, or marks between them."""
    if not any(character.isdecimal() for character in written):
        return ""
    plain = "".join(str(int(c)) if c.isdecimal() else c for c in written)
    plain = plain.replace("_", "").replace("\N{ARABIC DECIMAL SEPARATOR}", ".")
    return f"write it with the digits 0 to 9: {plain}" if _NUMBER.fullmatch(plain) else ""


def _between(minimum: float, maximum: float) -> str:
    """Return the bounds that there are, with a space before them."""
    has_none = minimum < -_LARGEST and maximum > _LARGEST
    return "" if has_none else f" {_bounds(minimum, maximum)}"


def _bounds(minimum: float, maximum: float) -> str:
    """Return bounds in words. The largest 32-bit floats are none that need words, where the other one is."""
    if maximum > _LARGEST and minimum > -_LARGEST:
        return f"at least {minimum:g}"
    if minimum < -_LARGEST and maximum < _LARGEST:
        return f"at most {maximum:g}"
    return f"from {minimum:g} to {maximum:g}"
