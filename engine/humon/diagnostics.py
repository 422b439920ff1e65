"""Problems that the reader finds in a text, with messages and positions, limited in number."""

import re

from engine.humon.codes import Code
from engine.humon.columns import Columns
from engine.humon.limits import MAX_DEPTH, MAX_METATAGS, MAX_PROBLEMS, MAX_TOKEN_CHARS
from engine.humon.lines import Lines
from engine.humon.problem import InputError, Position, Problem
from engine.humon.tokens import TOKEN, WORDS, node_span, unquote

COMMA_HINT = "a comma separates values: write decimals with a point, as in 0.5"
_SHOWN_CHARS = 40
DECIMAL_COMMA = re.compile(r"[0-9],[0-9]")

_CLOSERS = {"{": "}", "[": "]"}


class ReadingStopped(Exception):
    """Reading cannot continue; the problem is already recorded."""


def quoted(text: str) -> str:
    """Return `text` in quotes, shortened, for a message."""
    return f"'{text}'" if len(text) <= _SHOWN_CHARS else f"'{text[:_SHOWN_CHARS]}…'"


class Diagnostics:
    """Collects the problems of one text.

    With `keep_first`, keys that are given twice are no errors of the text, but in `repeated`: MAX_PROBLEMS of
    them, and a problem with the number of the others.
    """

    def __init__(self, text: str, name: str, keep_first: bool = False) -> None:
        self.text = text
        self.name = name
        self.lines = Lines(text)
        self._found: list[tuple[int, Problem]] = []
        self._keep_first = keep_first
        self._repeated: list[tuple[int, Problem]] = []
        self._more = 0

    def check(self) -> None:
        """Raise an InputError with all problems, in the order of the text, if there are any."""
        if self._found:
            found = sorted((*self._found, *self._repeated), key=lambda found: found[0])
            raise InputError(problem for _, problem in found)

    @property
    def repeated(self) -> tuple[Problem, ...]:
        """The problems of keys that are given twice, in the order of the text."""
        found = [problem for _, problem in sorted(self._repeated, key=lambda found: found[0])]
        if self._more:
            message = f"{self._more} more keys are given twice; the first of each is used"
            hint = "give each key once in its object"
            found.append(Problem(Code.TOO_MANY, message, found[-1].position, help=hint))
        return tuple(found)

    def add(self, code: Code, message: str, offset: int, hint: str) -> None:
        """Record a problem at `offset`; raises ReadingStopped when there are too many."""
        self._found.append((offset, self._problem(code, message, offset, hint)))
        if len(self._found) == MAX_PROBLEMS and code is not Code.TOO_MANY:
            hint = "mend those above: the rest has not been read"
            self.add(Code.TOO_MANY, f"reading stopped after {MAX_PROBLEMS} problems", offset, hint)
            raise ReadingStopped

    def _problem(self, code: Code, message: str, offset: int, hint: str) -> Problem:
        position = Position(self.name, *self.lines.line_and_column(offset))
        return Problem(code, message, position, self.lines.excerpt_at(offset), hint)

    def empty(self, size: int) -> None:
        """Record that the text contains no node; `size` is the length of the source."""
        if self._found:  # the reason is recorded already
            return
        position = Position(self.name, *self.lines.line_and_column(len(self.text)))
        message = (
            f"the file is empty at byte {size}"
            if not self.text
            else "the file contains no node, only comments"
        )
        self._found.append((0, Problem(Code.EMPTY, message, position, help="write at least `{ }`")))

    def duplicate(self, key: str, first: int, second: int, what: str = "key") -> None:
        """Record that a key occurs twice in one dict or one set of metatags."""
        if self._keep_first and len(self._repeated) == MAX_PROBLEMS:
            self._more += 1
            return
        line, column = self.lines.line_and_column(first)
        message = f"the {what} {quoted(key)} is given twice, first at {self.name}:{line}:{column}"
        hint = "keep one of the two, or rename one"
        if self._keep_first:
            hint += "; the first is used now"
            self._repeated.append((second, self._problem(Code.DUPLICATE, message, second, hint)))
        else:
            self.add(Code.DUPLICATE, message, second, hint)

    def key_in_list(self, key: str, offset: int) -> None:
        """Record that a node in a list has a key."""
        hint = "nodes in lists have no keys: use { } for keys"
        self.add(Code.KEY_IN_LIST, f"the key {quoted(key)} is in a list", offset, hint)

    def no_key(self, lexeme: str, offset: int) -> None:
        """Record that a node in a dict has no key."""
        what = {"{": "a dict", "[": "a list"}.get(lexeme[0]) or quoted(unquote(lexeme))
        hint = self.comma_hint(offset) or "write `key: value`, or use [ ]"
        self.add(Code.NO_KEY, f"{what} in a dict has no key", offset, hint)

    def comma_hint(self, offset: int) -> str:
        """Return what to do about a decimal comma, if a digit at `offset` follows another one and a comma."""
        return COMMA_HINT if DECIMAL_COMMA.fullmatch(self.text, max(0, offset - 2), offset + 1) else ""

    def no_value(self, key: str, offset: int, after: int) -> None:
        """Record that a key is followed, at offset `after`, by something that is not a node."""
        if self.text[after : after + 1] not in ("'", '"', "`", "^", "/"):  # these are reported as unclosed
            hint = "write a value, a list in [ ] or a dict in { } after it, or remove it"
            self.add(Code.NO_VALUE, f"the key {quoted(key)} has no value", offset, hint)

    def too_deep(self, offset: int) -> None:
        """Record that nesting exceeds the limit; raises ReadingStopped."""
        hint = "nest less: a list or dict for each level is seldom needed"
        self.add(Code.DEPTH, f"nesting is deeper than the limit of {MAX_DEPTH}", offset, hint)
        raise ReadingStopped

    def too_many_metatags(self, offset: int) -> None:
        """Record that a node has more metatags than the limit; raises ReadingStopped."""
        message = f"a node has more than the limit of {MAX_METATAGS} metatags"
        self.add(Code.METATAG, message, offset, "write what is more as keys of the node")
        raise ReadingStopped

    def wrong_closer(self, closer: str, offset: int, opened: list[tuple[int, bool]]) -> int:
        """Record a bracket that closes nothing, or not the innermost of `opened` (start, is a dict).

        Returns how many containers the reader closes; 0 to skip the bracket.
        """
        place = "{}:{}".format(*self.lines.line_and_column(offset))
        for count, (_, mapping) in enumerate(reversed(opened)):
            if mapping is (closer == "}"):
                for start, _ in opened[len(opened) - count :]:
                    at = self._bracket(start)
                    message = f"'{self.text[at]}' is not closed before the '{closer}' at {place}"
                    self.add(Code.UNCLOSED, message, at, f"end it with {_CLOSERS[self.text[at]]}")
                return count + 1
        if not opened:
            self.add(Code.STRAY, f"'{closer}' closes nothing", offset, "remove it")
            return 0
        at = self._bracket(opened[-1][0])
        place = "{}:{}".format(*self.lines.line_and_column(at))
        message = f"'{closer}' cannot close the '{self.text[at]}' opened at {place}"
        self.add(Code.STRAY, message, offset, f"write {_CLOSERS[self.text[at]]} here, or remove it")
        return 1

    def unclosed(self, opened: list[tuple[int, bool]]) -> None:
        """Record that the text ends while containers are open."""
        for start, _ in reversed(opened):
            at = self._bracket(start)
            message = f"'{self.text[at]}' is never closed"
            self.add(Code.UNCLOSED, message, at, f"end it with {_CLOSERS[self.text[at]]}")

    def invalid_token(self, offset: int, columns: Columns) -> int:
        """Record what is wrong at `offset`, where no token begins; return the offset to continue at."""
        character = self.text[offset]
        if character == ":":
            return self._stray_colon(offset, columns)
        if character == "@":
            hint = "write it so, or quote a value that begins with @"
            self.add(Code.METATAG, "a metatag is `@ key: value` or `@ { key: value ... }`", offset, hint)
            step = TOKEN.match(self.text, offset + 1)
            if step and step["other"] == ":":
                return step.end()
            passed = step is not None and step.lastgroup in ("lexeme", "value", "nothing", "flat")
            return step.end() if step and passed else offset + 1
        if character == "/":
            self.add(Code.UNCLOSED, "this comment is never closed", offset, "end it with */")
            raise ReadingStopped
        if character == "^":
            end = self.text.find("^", offset + 1, self.lines.end_of_line(offset))
            closer = self.text[offset : end + 1] if end >= 0 else "^tag^"
            self.add(Code.UNCLOSED, "this tag-quoted value is never closed", offset, f"end it with {closer}")
        else:
            self.add(Code.UNCLOSED, f"this {character} is never closed", offset, f"end it with {character}")
        return self.lines.end_of_line(offset)

    def check_token_sizes(self, columns: Columns) -> None:
        """Record every key or value that is longer than the limit."""
        for row, content in enumerate(columns.contents):
            longest = len(columns.keys[row] or "")
            if isinstance(content, str) and len(content) > MAX_TOKEN_CHARS:
                words = WORDS.findall(content) if content[0] == "[" else [content]
                longest = max(longest, *map(len, words))
            if longest > MAX_TOKEN_CHARS:
                message = f"a token is longer than the limit of {MAX_TOKEN_CHARS} characters"
                self.add(Code.TOKEN, message, columns.starts[row], "write less, or refer to a file")

    def _stray_colon(self, offset: int, columns: Columns) -> int:
        # `a: b: c`, or more often `a:` alone on its line and `b: c` on the next: read b again, as a key.
        step = TOKEN.match(self.text, columns.starts[-1])
        if step and step.lastgroup == "value" and step.end() == offset:
            key, value = unquote(step["lexeme"]), step["value"]
            if value[0] != "[":
                message = f"the key {quoted(key)} has no value: {quoted(unquote(value))} after it is a key"
                hint = f"write a value after {quoted(key)}, or remove it"
                after = WORDS.match(self.text, offset + 1)
                if after and value.isidentifier() and "\n" not in self.text[step.start() : offset]:
                    hint = f'write a value with a colon in quotes: "{value}:{after[0]}"'
                self.add(Code.NO_VALUE, message, step.start(), hint)
                return step.start("value")
        self.add(Code.STRAY, "':' has no key before it", offset, "write `key: value`, or remove it")
        return offset + 1

    def _bracket(self, start: int) -> int:
        return node_span(self.text, start, keyed=True)[0]
