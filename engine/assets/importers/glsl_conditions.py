"""Which lines of GLSL are live: macros, and the conditions `#if` to `#endif`, as far as they can be decided.

The compiler alone knows the macros that it defines itself, so that an answer is NO, MAYBE or YES. Within a
branch that is perhaps live everything counts as if it were; what such a branch has defined is unknown after
it. An answer that is not MAYBE is the compiler's.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum


class Answer(IntEnum):
    """Whether a line is compiled, or a condition is true."""

    NO = 0
    MAYBE = 1
    YES = 2


@dataclass(frozen=True, slots=True)
class Macro:
    """A defined macro: its replacement; None for one with parameters, whose uses are not expanded."""

    body: tuple[str, ...] | None


_UNKNOWN = Answer.MAYBE
"""In place of a macro: the compiler may have defined it, or a branch that is perhaps live."""

_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_TOKEN = re.compile(
    r"[ \t]*(0[xX][0-9a-fA-F]+[uU]?|\d+[uU]?|[A-Za-z_]\w*|\|\||&&|<<|>>|[<>=!]=|[-+*/%<>!~^&|()]|[^ \t])",
    re.ASCII,
)
_NUMBER = re.compile(r"(0[xX][0-9a-fA-F]+|\d+)[uU]?", re.ASCII)
_MAX_TOKENS = 1024
_MAX_NESTING = 24
_MAX_EXPANSIONS = 100_000


@dataclass(slots=True)
class _Group:
    """The branches of one `#if`: whether code around it is live, and whether a branch before was taken."""

    around: Answer
    taken: Answer = Answer.NO
    live: Answer = Answer.NO
    before: dict[str, Macro | Answer | None] | None = None
    changed: set[str] = field(default_factory=set)


class Conditions:
    """The state of a preprocessor at one line; `directive` moves it on."""

    def __init__(self) -> None:
        self._macros: dict[str, Macro | Answer] = {}
        self._groups: list[_Group] = []
        self._forks: list[_Group] = []
        self._expansions_left = _MAX_EXPANSIONS

    @property
    def live(self) -> Answer:
        """Whether the compiler compiles a line that stands here."""
        return self._groups[-1].live if self._groups else Answer.YES

    @property
    def depth(self) -> int:
        """How many `#if` are open."""
        return len(self._groups)

    def defined(self, name: str) -> Answer:
        """Whether a macro is defined here."""
        macro = self._macro(name)
        return Answer.NO if macro is None else Answer.YES if isinstance(macro, Macro) else Answer.MAYBE

    def directive(self, name: str, text: str) -> None:
        """Carry out one directive; those that are no condition and no macro change nothing."""
        if name in ("if", "ifdef", "ifndef"):
            self._groups.append(_Group(self.live))
            self._branch(lambda: self._condition(name, text))
        elif name in ("elif", "else", "endif"):
            if self._groups:
                self._end_branch()
                if name == "endif":
                    self._close(self._groups.pop())
                else:
                    self._branch(lambda: self._value(text) if name == "elif" else Answer.YES)
        elif name in ("define", "undef") and self.live is not Answer.NO:
            found = _NAME.match(text)
            if found is None:
                return
            rest = text[found.end() :]
            if name == "undef":
                self._set(found[0], None)
            else:
                self._set(found[0], Macro(None if rest.startswith("(") else tuple(_TOKEN.findall(rest))))

    def _condition(self, name: str, text: str) -> Answer:
        if name == "if":
            return self._value(text)
        found = _NAME.match(text)
        if found is None:
            return Answer.MAYBE
        answer = self.defined(found[0])
        return answer if name == "ifdef" else Answer(2 - answer)

    def _branch(self, condition: Callable[[], Answer]) -> None:
        """Begin a branch of the innermost group."""
        group = self._groups[-1]
        open_to_it = min(group.around, Answer(2 - group.taken))
        asked = condition() if open_to_it is not Answer.NO else Answer.NO
        group.live = min(open_to_it, asked)
        if group.live is not Answer.NO and min(Answer(2 - group.taken), asked) is Answer.MAYBE:
            group.before = {}
            self._forks.append(group)
        group.taken = max(group.taken, asked)

    def _end_branch(self) -> None:
        """Undo what a branch that is perhaps live has defined, for the branches after it."""
        group = self._groups[-1]
        if group.before is None:
            return
        self._forks.pop()
        for name, macro in group.before.items():
            if macro != self._macro(name):
                group.changed.add(name)
            self._put(name, macro)
        group.before = None

    def _close(self, group: _Group) -> None:
        for name in sorted(group.changed):
            self._set(name, _UNKNOWN)

    def _macro(self, name: str) -> Macro | Answer | None:
        found = self._macros.get(name)
        if found is None and (name.startswith("GL_") or "__" in name or name == "VULKAN"):
            return _UNKNOWN
        return None if found is Answer.NO else found

    def _set(self, name: str, macro: Macro | Answer | None) -> None:
        if self._forks:
            before = self._forks[-1].before
            assert before is not None
            before.setdefault(name, self._macro(name))
        self._put(name, macro)

    def _put(self, name: str, macro: Macro | Answer | None) -> None:
        self._macros[name] = Answer.NO if macro is None else macro

    def _value(self, text: str) -> Answer:
        tokens = self._expanded(_TOKEN.findall(text))
        value = _Expression(tokens).value() if tokens else None
        return Answer.MAYBE if value is None else Answer.YES if value else Answer.NO

    def _expanded(self, tokens: list[str]) -> list[str]:
        """Return the tokens of a condition with its macros replaced; empty if that takes too long.

        `?` stands for what is not known, `defined` with its name for 0 or 1.
        """
        done: list[str] = []
        left = [(token, frozenset[str]()) for token in reversed(tokens)]
        while left:
            token, hidden = left.pop()
            if len(done) + len(left) > _MAX_TOKENS or self._expansions_left <= 0:
                return []
            if token == "defined":
                words: list[str] = []
                while left and len(words) < 3 and (not words or words[0] == "("):
                    words.append(left.pop()[0])
                name = words[1] if len(words) == 3 and words[2] == ")" else words[0] if words else ""
                answer = self.defined(name) if _NAME.fullmatch(name) else Answer.MAYBE
                done.append("0?1"[answer])
            elif _NAME.fullmatch(token):
                macro = self._macro(token)
                body = macro.body if isinstance(macro, Macro) and token not in hidden else None
                if body is not None and len(body) <= _MAX_TOKENS:
                    self._expansions_left -= len(hidden) + len(body) + 1
                    left += [(part, hidden | {token}) for part in reversed(body)]
                else:
                    done.append("?")
            else:
                done.append(token)
        return done


_LEVELS: tuple[dict[str, Callable[[int, int], int]], ...] = (
    {"||": lambda a, b: int(bool(a) or bool(b))},
    {"&&": lambda a, b: int(bool(a) and bool(b))},
    {"|": lambda a, b: a | b},
    {"^": lambda a, b: a ^ b},
    {"&": lambda a, b: a & b},
    {"==": lambda a, b: int(a == b), "!=": lambda a, b: int(a != b)},
    {
        "<": lambda a, b: int(a < b),
        ">": lambda a, b: int(a > b),
        "<=": lambda a, b: int(a <= b),
        ">=": lambda a, b: int(a >= b),
    },
    {"<<": lambda a, b: a << b, ">>": lambda a, b: a >> b},
    {"+": lambda a, b: a + b, "-": lambda a, b: a - b},
    {
        "*": lambda a, b: a * b,
        "/": lambda a, b: abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1),
        "%": lambda a, b: abs(a) % abs(b) * (-1 if a < 0 else 1),
    },
)
"""The binary operators of conditions, from those that bind least."""


class _Expression:
    """A condition without macros. The value of a part is None if it is not known or no expression."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._at = 0
        self._valid = True

    def value(self) -> int | None:
        """The value of the whole condition."""
        value = self._binary(0, 0)
        return value if self._valid and self._at == len(self._tokens) else None

    def _next(self) -> str:
        token = self._tokens[self._at] if self._at < len(self._tokens) else ""
        self._at += 1
        return token

    def _binary(self, level: int, nesting: int) -> int | None:
        if level == len(_LEVELS):
            return self._unary(nesting)
        left = self._binary(level + 1, nesting)
        while self._at < len(self._tokens) and self._tokens[self._at] in _LEVELS[level]:
            operator = self._next()
            left = _applied(operator, _LEVELS[level][operator], left, self._binary(level + 1, nesting))
        return left

    def _unary(self, nesting: int) -> int | None:
        token = self._next()
        if nesting >= _MAX_NESTING:
            self._valid = False
            return None
        if token in ("-", "+", "!", "~"):
            value = self._unary(nesting + 1)
            if value is None:
                return None
            return _bounded({"-": -value, "+": value, "!": int(not value), "~": ~value}[token])
        if token == "(":
            value = self._binary(0, nesting + 1)
            self._valid &= self._next() == ")"
            return value
        if _NUMBER.fullmatch(token):
            digits = token.rstrip("uU")
            is_octal = len(digits) > 1 and digits.isdigit() and digits[0] == "0"
            try:
                return _bounded(int(digits, 8 if is_octal else 0)) if len(digits) <= 16 else None
            except ValueError:
                return None
        self._valid &= token == "?"
        return None


def _applied(
    operator: str, apply: Callable[[int, int], int], left: int | None, right: int | None
) -> int | None:
    if operator == "&&" and 0 in (left, right):
        return 0
    if operator == "||" and any(value is not None and value != 0 for value in (left, right)):
        return 1
    if left is None or right is None:
        return None
    if (operator in ("/", "%") and right == 0) or (operator in ("<<", ">>") and not 0 <= right < 32):
        return None
    return _bounded(apply(left, right))


def _bounded(value: int) -> int | None:
    """The value, if it fits into 32 bits, in which the compiler computes."""
    return value if -(1 << 31) <= value < 1 << 31 else None
