"""Random Humon texts, each with what it must be read as."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import strategies as st

from engine.humon import Document, Kind, Node

Tree = tuple[Any, ...]
"""("value", text, tags), ("list", children, tags) or ("dict", (key, child) pairs, tags)."""

_CHARACTERS = st.one_of(
    st.sampled_from("ab/*^\"'`@:{}[],01.- \t\n\r#\\"),
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
)
words = st.text(_CHARACTERS, max_size=6)
_STOPS = set(" \t\n\v\f\r,\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000[]{}:@") | {
    chr(c) for c in range(0x2000, 0x200B)
}
_BREAKS = "\n\r\v\f\x85\u2028\u2029"
_SPACES = [
    " ",
    "  ",
    ",",
    "\n",
    "\t",
    "\n\n    ",
    "\r\n",
    "\r",
    ' // note { " ]\n',
    " /* x: [ */ ",
    " /**/,\u3000",
    *(f" // to {ord(end):x} {{{end}" for end in _BREAKS),
]


def tree(node: Node) -> Tree:
    """Give a node as the strategies here describe it."""
    tags = tuple(node.metatags.items())
    if node.kind is Kind.VALUE:
        return ("value", node.text, tags)
    if node.kind is Kind.LIST:
        return ("list", tuple(tree(child) for child in node), tags)
    return ("dict", tuple((key, tree(child)) for key, child in node.items()), tags)


def comments(document: Document) -> list[str]:
    """List the comments of a document, found without the project's own patterns."""
    found, text, at = [], document.text, 0
    while at < len(text):
        if text[at] == "^":
            closer = text[at : text.index("^", at + 1) + 1]
            at = text.index(closer, at + len(closer)) + len(closer)
        elif text[at] in "\"'`":
            at = text.index(text[at], at + 1) + 1
        elif text.startswith("//", at):
            line = re.split(f"[{_BREAKS}]", text[at:], maxsplit=1)[0]
            found.append(line.rstrip())
            at += len(line)
        elif text.startswith("/*", at):
            end = text.index("*/", at + 2) + 2
            found.append(text[at:end])
            at = end
        elif text[at] in _STOPS:
            at += 1
        else:
            while at < len(text) and text[at] not in _STOPS and text[at : at + 2] not in ("//", "/*"):
                at += 1
    return found


def _is_word(text: str) -> bool:
    return (
        bool(text)
        and text[0] not in "\"'`^"
        and not (set(text) & _STOPS)
        and "//" not in text
        and "/*" not in text
    )


@st.composite
def lexemes(draw: st.DrawFn) -> tuple[str, str]:
    """Draw a text and one of the ways to write it."""
    text = draw(words)
    ways: list[str] = [f"{mark}{text}{mark}" for mark in "\"'`" if mark not in text]
    for tag in ("^^", "^t^", "^t\n^"):
        if (text + tag).find(tag) == len(text):
            ways += [f"{tag}\n{text}{tag}", f"{tag}  \r\n{text}{tag}", f"{tag},\u3000\u2028{text}{tag}"]
    if _is_word(text):
        ways += [text] * 4
    return text, draw(st.sampled_from(ways)) if ways else f"^?^\n{text}^?^"


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, Tree]:
    """Draw a text without errors and its tree."""

    def space(last: str = "") -> str:
        bare = bool(last) and last[0] not in "\"'`^[{" and last[-1] not in "}]"
        options = _SPACES if bare else ["", "/*a*/", *_SPACES]
        return draw(st.sampled_from(options))

    def tags(count: int, used: set[str]) -> tuple[str, tuple[tuple[str, str], ...]]:
        pairs, out = [], ""
        for _ in range(draw(st.integers(0, count)) if draw(st.booleans()) else 0):
            (key, key_lexeme), (value, lexeme) = draw(lexemes()), draw(lexemes())
            if key in used:
                continue
            used.add(key)
            pairs.append((key, value))
            pair = f"{key_lexeme}{_colon(draw)}{lexeme}"
            braces = draw(st.booleans())
            out += f"@ {{ {pair}{space(lexeme)}}}" if braces else f"@{draw(st.sampled_from(['', ' ']))}{pair}"
            out += space("" if braces else lexeme)
        return out, tuple(pairs)

    def node(depth: int, used: set[str] | None = None) -> tuple[str, Tree]:
        kind = draw(st.sampled_from(["value", "list", "dict"] if depth else ["value"]))
        used = set() if used is None else used
        if kind == "value":
            text, lexeme = draw(lexemes())
            after, pairs = tags(1, used)
            return lexeme + space(lexeme) + after, ("value", text, pairs)
        inside, inner = tags(2, used)
        body, children = members(depth - 1) if kind == "dict" else entries(depth - 1)
        outside, outer = tags(1, used)
        brackets = "{}" if kind == "dict" else "[]"
        text = brackets[0] + space() + inside + body + brackets[1] + space() + outside
        return text, (kind, children, inner + outer)

    def entries(depth: int) -> tuple[str, tuple[Tree, ...]]:
        parts = [node(depth) for _ in range(draw(st.integers(0, 4)))]
        return "".join(text for text, _ in parts), tuple(child for _, child in parts)

    def members(depth: int) -> tuple[str, tuple[tuple[str, Tree], ...]]:
        body, pairs, visible = "", [], set()
        for _ in range(draw(st.integers(0, 4))):
            key, lexeme = draw(lexemes())
            if key in visible:
                continue
            visible.add(key)
            tagged: set[str] = set()
            before, first = tags(2, tagged)
            between, second = tags(2, tagged)
            text, (kind, content, third) = node(depth, tagged)
            body += lexeme + (space(lexeme) + before if before else "") + _colon(draw) + between + text
            pairs.append((key, (kind, content, first + second + third)))
        return body, tuple(pairs)

    before = draw(st.sampled_from(["", *_SPACES]))
    if draw(st.booleans()):
        head, inner = tags(2, set())
        body, pairs = members(3)
        if pairs or inner:
            return before + head + body, ("dict", pairs, inner)
    text, root = node(3)
    return before + text, root


def _colon(draw: st.DrawFn) -> str:
    return draw(st.sampled_from([":", ": ", " : ", ":\n", " /* c */ : // d\n", ", :"]))


# Texts of a million characters that a parser may take too long for.
HOSTILE = {
    "unclosed lists": "[ a " * 200_000,
    "tags without end": "".join(f"^{n}^ " for n in range(100_000)),
    "slashes": "/ " * 500_000 + "/*",
    "comments without end": "a /* " * 200_000,
    "quotes": "\"'`" * 300_000 + '"',
    "colons": ": " * 500_000,
    "keys": "a: " * 300_000,
    "spaces before a colon": "a" + " " * 1_000_000 + "b" + " /**/" * 200_000,
    "closers": "]" * 1_000_000,
    "metatags": "[ " + "@ { a " * 200_000,
    "metatags before values": "{ " + "a @b: c : @d: e " * 60_000,
    "metatags before colons": "{ " + "a @b: c @ { d: e } " * 50_000,
    "many metatags": "[ a " + "".join(f"@{n}: b " for n in range(100_000)),
    "many metatags in braces": "[ a @ { " + "".join(f"{n}: b " for n in range(120_000)),
    "many metatags before a colon": "{ a " + "".join(f"@{n}: b " for n in range(100_000)) + ": 1 }",
    "wrong brackets": "{ a: [ " * 100 + "} ] " * 200_000,
}
