"""Reads text into columns: one pass of one regular expression, no object per node, no recursion.

The loop handles valid text; everything else goes to `Diagnostics`, which records the problem and returns
where to continue, so that all problems of a file are reported together.
"""

import re
from contextlib import suppress

from engine.humon.codes import Code
from engine.humon.collector import collector_paused
from engine.humon.columns import Columns, Content
from engine.humon.diagnostics import Diagnostics, ReadingStopped
from engine.humon.encoding import check_text, decode
from engine.humon.limits import MAX_DEPTH, MAX_FILE_BYTES, MAX_METATAGS, MAX_TOKEN_CHARS
from engine.humon.problem import InputError, Position, Problem
from engine.humon.tokens import QUOTES, SPACE, TOKEN, has_metatags_before_colon, unquote

_LEXEME = TOKEN.groupindex["lexeme"]
_VALUE = TOKEN.groupindex["value"]
_OPENED = TOKEN.groupindex["opened"]
_NOTHING = TOKEN.groupindex["nothing"]
_FLAT = TOKEN.groupindex["flat"]
_OPENER = TOKEN.groupindex["opener"]
_CLOSER = TOKEN.groupindex["closer"]
_TAG = TOKEN.groupindex["tag"]
_TAGGED = TOKEN.groupindex["tagged"]


def read_columns(
    source: str | bytes, name: str, keep_first: bool = False
) -> tuple[str, Columns, tuple[Problem, ...]]:
    """Return the text of `source`, its nodes as columns, and what is tolerated: keys given twice.

    Those are with `keep_first` alone. Raises InputError with every other problem found.
    """
    check_size(len(source), name)
    if isinstance(source, bytes):
        text = decode(source, name)
    else:
        text = source.removeprefix("\ufeff")
        check_text(text, name)
    diagnostics = Diagnostics(text, name, keep_first)
    columns = Columns()
    with collector_paused(), suppress(ReadingStopped):
        _scan(text, columns, diagnostics, len(source))
        if len(text) > MAX_TOKEN_CHARS:
            diagnostics.check_token_sizes(columns)
    diagnostics.check()
    return text, columns, diagnostics.repeated


def check_size(size: int, name: str, limit: int | None = None) -> None:
    """Raise InputError if a file of `size` bytes is over the limit (None: that of Humon texts)."""
    limit = MAX_FILE_BYTES if limit is None else limit
    if size > limit:
        message = f"{size} bytes are more than the limit of {limit}"
        raise InputError(Problem(Code.SIZE, message, Position(name), help="split the file and use include"))


def _scan(text: str, columns: Columns, diagnostics: Diagnostics, size: int) -> None:
    offset = _skip(text, 0)
    columns.add(offset, None, {})
    offset = _metatags(text, offset, columns, 0, diagnostics)
    if offset == len(text):
        if not columns.metatags:
            diagnostics.empty(size)
        return
    columns.starts[0] = offset
    step = TOKEN.match(text, offset)
    kind = step.lastgroup if step else None
    is_key = step is not None and kind == "lexeme" and has_metatags_before_colon(text, step)
    if step and not is_key and kind in ("lexeme", "flat", "opener"):
        root: Content = step[kind]
        if kind == "opener":
            root = columns.contents[0] = {} if root == "{" else []
            end = _scan_nodes(text, step.end(), columns, diagnostics, root)
        else:
            columns.contents[0] = root
            end = step.end()
        _after_root(text, end, columns, diagnostics)
    else:
        _scan_nodes(text, offset, columns, diagnostics, None)


def _scan_nodes(
    text: str,
    offset: int,
    columns: Columns,
    diagnostics: Diagnostics,
    root: dict[str, int] | list[int] | None,
) -> int:
    """Read the children of the root up to its closing bracket; `root` is None if its braces are omitted.

    Returns the offset after the root.
    """
    starts, contents, metatags = columns.starts, columns.contents, columns.metatags
    add_start, add_key, add_content = starts.append, columns.keys.append, contents.append
    stack: list[tuple[int, bool, dict[str, int], list[int]]] = []
    members: dict[str, int] = {}
    items: list[int] = []
    # `node` is the open container, a dict if `mapping`; `last` is the node that the next metatag belongs to.
    node = last = 0
    mapping = True
    if root is None:
        contents[0] = members
    elif isinstance(root, dict):
        members = root
    else:
        items, mapping = root, False
    count = len(starts)

    def opened() -> list[tuple[int, bool]]:
        chain = [(starts[n], m) for n, m, _, _ in stack] + [(starts[node], mapping)]
        return chain if root is not None else chain[1:]

    going = True
    while going:
        going = False
        for step in TOKEN.finditer(text, offset):
            kind = step.lastindex
            if kind == _VALUE or kind == _OPENED:  # noqa: SIM109 (a tuple would be built for every token)
                key = step[_LEXEME]
                if key[0] in QUOTES:
                    key = unquote(key)
                if not mapping:
                    diagnostics.key_in_list(key, step.start())
                elif key in members:
                    diagnostics.duplicate(key, starts[members[key]], step.start())
                    columns.repeated.setdefault(node, []).append(count)
                else:
                    members[key] = count
                add_key(key)
                add_start(step.start())
                last = count
                count += 1
                if kind == _VALUE:
                    add_content(step[_VALUE])
                    continue
                bracket = step[_OPENED]
            elif kind == _CLOSER:
                leave = 1
                if (step[_CLOSER] == "}") is not mapping or (root is None and not stack):
                    leave = diagnostics.wrong_closer(step[_CLOSER], step.start(), opened())
                while leave:
                    last = node
                    if not node:
                        return step.end()
                    node, mapping, members, items = stack.pop()
                    leave -= 1
                continue
            elif kind == _TAGGED:
                key = unquote(step[_TAG])
                if last in metatags:
                    _check_metatag(columns, last, key, step.start(), diagnostics)
                    metatags[last] += (count,)
                else:
                    metatags[last] = (count,)
                add_key(key)
                add_start(step.start())
                add_content(step[_TAGGED])
                count += 1
                continue
            elif (kind == _NOTHING and text.startswith("@", step.end())) or (
                kind == _LEXEME and mapping and has_metatags_before_colon(text, step)
            ):
                key = unquote(step[_LEXEME])
                if not mapping:
                    diagnostics.key_in_list(key, step.start())
                elif key in members:
                    diagnostics.duplicate(key, starts[members[key]], step.start())
                    columns.repeated.setdefault(node, []).append(count)
                else:
                    members[key] = count
                last = columns.add(step.start(), key, "")
                offset, value = _after_metatags(text, step, columns, diagnostics)
                count = len(starts)
                going = True
                if value not in ("{", "["):
                    contents[last] = value
                    break
                bracket = value
            elif kind == _NOTHING:
                diagnostics.no_value(unquote(step[_LEXEME]), step.start(), step.end())
                continue
            elif kind == _LEXEME or kind == _FLAT or kind == _OPENER:  # noqa: SIM109
                if mapping:
                    diagnostics.no_key(step[kind], step.start())
                else:
                    items.append(count)
                add_key(None)
                add_start(step.start())
                last = count
                count += 1
                if kind != _OPENER:
                    add_content(step[kind])
                    continue
                bracket = step[_OPENER]
            else:
                offset = _metatags(text, step.start(), columns, last, diagnostics)
                if offset == step.start():
                    offset = _skip(text, diagnostics.invalid_token(offset, columns))
                count = len(starts)
                going = True
                break
            # A bracket opened the row `last`.
            stack.append((node, mapping, members, items))
            depth = len(stack) + (root is not None)
            if depth >= MAX_DEPTH:
                if depth > MAX_DEPTH:
                    diagnostics.too_deep(step.start())
                _check_flat_lists(text, step.end(), diagnostics)
            node = last
            mapping = bracket == "{"
            if mapping:
                content: Content = (members := {})
            else:
                content = (items := [])
            if going:
                contents[last] = content
                break
            add_content(content)
    diagnostics.unclosed(opened())
    return len(text)


def _skip(text: str, offset: int) -> int:
    found = SPACE.match(text, offset)
    assert found is not None
    return found.end()


def _check_flat_lists(text: str, offset: int, diagnostics: Diagnostics) -> None:
    """Report lists of bare words in a container at the depth limit, which the main loop does not open."""
    for step in TOKEN.finditer(text, offset):
        if step["flat"] is not None or (step["value"] or "").startswith("["):
            diagnostics.too_deep(step.start())
        if step.lastgroup in ("closer", "opener", "opened"):
            return


def _check_metatag(columns: Columns, owner: int, key: str, offset: int, diagnostics: Diagnostics) -> None:
    if len(columns.metatags.get(owner, ())) >= MAX_METATAGS:
        diagnostics.too_many_metatags(offset)
    first = columns.metatag(owner, key)
    if first is not None:
        diagnostics.duplicate(key, columns.starts[first], offset, "metatag")


def _metatags(text: str, offset: int, columns: Columns, owner: int, diagnostics: Diagnostics) -> int:
    """Read all metatags from `offset` on for the row `owner`; return the offset after them."""
    while step := TOKEN.match(text, offset):
        if step.lastgroup == "tagged":
            key = unquote(step["tag"])
            _check_metatag(columns, owner, key, offset, diagnostics)
            columns.add_metatag(owner, offset, key, step["tagged"])
            offset = step.end()
        elif step["other"] == "@" and text.startswith("{", step.end()):
            offset = _metatag_block(text, step.end(), columns, owner, diagnostics)
        else:
            return offset
    return offset


def _after_metatags(
    text: str, key: re.Match[str], columns: Columns, diagnostics: Diagnostics
) -> tuple[int, str]:
    """Read the metatags between a key, its colon and its value for the last row, then the value.

    Returns the offset after it, and its lexeme or opening bracket; empty if there is no value.
    """
    owner = len(columns) - 1
    offset = _metatags(text, key.end(), columns, owner, diagnostics)
    if key.lastindex == _LEXEME:
        offset = _metatags(text, _skip(text, offset + 1), columns, owner, diagnostics)
    step = TOKEN.match(text, offset)
    if step and step.lastgroup in ("lexeme", "flat", "opener"):
        return step.end(), step[step.lastgroup]
    diagnostics.no_value(unquote(key[_LEXEME]), key.start(), offset)
    return offset, ""


def _metatag_block(text: str, brace: int, columns: Columns, owner: int, diagnostics: Diagnostics) -> int:
    offset = _skip(text, brace + 1)
    while step := TOKEN.match(text, offset):
        if step.lastgroup == "value" and step["value"][0] != "[":
            key = unquote(step["lexeme"])
            _check_metatag(columns, owner, key, offset, diagnostics)
            columns.add_metatag(owner, offset, key, step["value"])
        elif step["closer"] == "}":
            return step.end()
        else:
            hint = "write @ { key: value ... }"
            diagnostics.add(Code.METATAG, "metatags in braces are pairs of `key: value`", offset, hint)
            end = text.find("}", offset)
            return _skip(text, end + 1) if end >= 0 else len(text)
        offset = step.end()
    diagnostics.add(Code.UNCLOSED, "'{' is never closed", brace, "end it with }")
    return offset


def _after_root(text: str, offset: int, columns: Columns, diagnostics: Diagnostics) -> None:
    offset = _metatags(text, offset, columns, 0, diagnostics)
    if offset < len(text):
        hint = "a file has one root node: put everything in one dict, or omit the braces of the root"
        hint = diagnostics.comma_hint(offset) or hint
        diagnostics.add(Code.AFTER_ROOT, "something follows the end of the root node", offset, hint)
