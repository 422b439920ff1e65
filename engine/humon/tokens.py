"""The tokens of Humon as regular expressions, and quoting and unquoting of values.

Patterns are possessive where possible, so that no input is scanned twice.
"""

import re
from typing import Final

INLINE: Final = r" \t\xa0\u1680\u2000-\u200a\u202f\u205f\u3000"
"""White space without line breaks."""
BREAKS: Final = r"\n\r\v\f\x85\u2028\u2029"
"""What ends a line comment and the opening line of a tag-quoted value."""
WHITE: Final = INLINE + BREAKS + ","
"""White space between tokens; Python's `\\s` has four more control characters."""
_STOP: Final = WHITE + r"\[\]{}:@/"
BLANK: Final = rf"[{WHITE}]*+"
BACK: Final = r"(?!)"
"""An alternative that never matches but resets the position to the start of the group: Python before 3.11.5
does not when a possessive group fails half-way (CPython issue 106052)."""
COMMENT: Final = rf"/(?:/[^{BREAKS}]*+|\*[^*]*+(?:\*(?!/)[^*]*+|{BACK})*+\*/)"
SKIP: Final = rf"{BLANK}(?:{COMMENT}{BLANK}|{BACK})*+"
WORD: Final = rf"(?:[^{_STOP}\"'`^]|/(?![/*]))[^{_STOP}]*+(?:/(?![/*])[^{_STOP}]*+|{BACK})*+"
QUOTED: Final = r"\"[^\"]*+\"|'[^']*+'|`[^`]*+`"
FLAT: Final = rf"\[{BLANK}(?:{WORD}{BLANK}|{BACK})*+\]"


def _tagged(name: str) -> str:
    return rf"\^(?P<{name}>[^\^]*+)\^(?s:.*?)\^(?P={name})\^"


def _lexeme(name: str) -> str:
    return rf"{WORD}|{QUOTED}|{_tagged(name)}"


QUOTES: Final = "\"'`^"
"""The characters that begin a quoted lexeme."""

TOKEN: Final = re.compile(
    rf"(?:(?P<lexeme>{_lexeme('t1')}){SKIP}"
    rf"(?::{SKIP}(?:(?P<value>{_lexeme('t2')}|{FLAT})|(?P<opened>[{{\[])|(?P<nothing>)))?+"
    rf"|(?P<flat>{FLAT})"
    r"|(?P<opener>[{\[])"
    r"|(?P<closer>[}\]])"
    rf"|@{SKIP}(?P<tag>{_lexeme('t3')}){SKIP}:{SKIP}(?P<tagged>{_lexeme('t4')})"
    rf"|(?P<other>(?s:.))){SKIP}"
)
"""One step of the reader, with the white space and comments after it; `lastindex` says which kind it is.

`lexeme` a value or key alone, `value` key and value (or list of bare words), `opened` key and bracket,
`nothing` a key without a node, `flat` a list of bare words, `tagged` a metatag, `other` anything else.
"""

SPACE: Final = re.compile(SKIP)
WORDS: Final = re.compile(WORD)
LEXEME: Final = re.compile(_lexeme("t"))
_TAG: Final = re.compile(r"\^([^\^]*+)\^")
_OPENING_LINE: Final = re.compile(rf"[{INLINE},]*+(?:\r\n|[{BREAKS}])")


def metatags_end(text: str, offset: int) -> tuple[int, int]:
    """Return where the metatags that follow `offset` end (`offset` if there are none), and the next token."""
    space = SPACE.match(text, offset)
    assert space is not None
    end, after, in_braces = offset, space.end(), False
    for step in TOKEN.finditer(text, after):
        if in_braces:
            if step["closer"] is not None:
                in_braces, end, after = False, step.end("closer"), step.end()
        elif step["tagged"] is not None:
            end, after = step.end("tagged"), step.end()
        elif step["other"] == "@" and text.startswith("{", step.end()):
            in_braces = True
        else:
            break
    return end, after


def has_metatags_before_colon(text: str, step: re.Match[str]) -> bool:
    """Whether a `lexeme` alone is a key: metatags follow it, and then the colon."""
    return text.startswith("@", step.end()) and text.startswith(":", metatags_end(text, step.end())[1])


def node_span(text: str, start: int, keyed: bool) -> tuple[int, int]:
    """Return the span of the node, or of its opening bracket, whose key (if `keyed`) begins at `start`."""
    step = TOKEN.match(text, start)
    assert step is not None
    if keyed and step.lastgroup in ("lexeme", "nothing"):  # metatags come before the value
        offset = step.end()
        if step.lastgroup == "lexeme":
            offset = metatags_end(text, offset)[1] + 1
        step = TOKEN.match(text, metatags_end(text, offset)[1])
        assert step is not None
    assert step.lastgroup is not None
    return step.span(step.lastgroup)


def unquote(lexeme: str) -> str:
    """Return the text of a lexeme; a bare word is its own text."""
    first = lexeme[0]
    if first not in QUOTES:
        return lexeme
    if first != "^":
        return lexeme[1:-1]
    tag = _TAG.match(lexeme)
    assert tag is not None
    text = lexeme[tag.end() : -tag.end()]
    opening = _OPENING_LINE.match(text)
    return text[opening.end() :] if opening else text


def quote(text: str, like: str = "") -> str:
    """Return a lexeme for `text`: a bare word if possible, else with the first kind of quotes that fits.

    `like` is the lexeme that it replaces; its quotes are kept if they fit.
    Raises ValueError for text that no Humon file can contain (a NUL, or half of a surrogate pair).
    """
    if "\0" in text:
        raise ValueError("a NUL cannot be written to a Humon file")
    if not text.isascii():
        text.encode()
    if (not like or like[0] not in QUOTES) and WORDS.fullmatch(text) and text[0] != "\ufeff":
        return text
    for mark in (like[:1] if like[:1] in ("'", "`") else "") + "\"'`":
        if mark not in text:
            return f"{mark}{text}{mark}"
    number = 0
    while True:
        tag = f"^{number or ''}^"
        if (text + tag).find(tag) == len(text):
            return f"{tag}\n{text}{tag}"
        number += 1
