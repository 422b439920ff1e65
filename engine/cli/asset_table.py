"""The diff of databases as a table for a terminal, made of the values of `asset_listing`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

NARROWEST, WIDEST = 60, 140
"""Columns of the narrowest and of the widest table."""

_NAMED = 8
"""Dependants that are named; of more there is the number, and all are in the other forms."""

_FOLLOWING = 40
"""The same of those that only follow what they are made of."""

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
_ROWS = (
    ("cooked", "cooked"),
    ("laid out again", "laidOut"),
    ("moved", "moved"),
    ("transferred", "transferred"),
    ("allocated", "allocated"),
    ("freed", "freed"),
    ("planned as cooked", "plannedAsCooked"),
    ("planned after", "plannedAfter"),
)
_NO_BREAK = "\N{NO-BREAK SPACE}"
_UNCOOKED = "it has not been cooked"


def table(shown: Mapping[str, Any], width: int, *, is_diff: bool) -> str:
    """Return the text of what `assets` lists, in lines of at most `width` columns where words allow that."""
    width = min(max(width, NARROWEST), WIDEST)
    blocks = ["\n".join(_database(one, width, is_diff)) for one in shown["assetDbs"]]
    if not blocks:
        blocks = ["everything is as it was cooked" if is_diff else "there is no assetDb"]
    if "difference" in shown:
        blocks.append("\n".join(_difference(shown["difference"], width)))
    return "\n\n".join(blocks) + "\n"


def size_text(size: int) -> str:
    """Return a number of bytes in the largest unit of which there is one, with a decimal."""
    amount, unit = float(size), 0
    while amount >= 1023.95 and unit + 1 < len(_UNITS):
        amount, unit = amount / 1024, unit + 1
    return f"{amount:.1f} {_UNITS[unit]}" if unit else f"{size} B"


def _database(one: Mapping[str, Any], width: int, is_diff: bool) -> Iterator[str]:
    assets, removed = one["assets"], one.get("removed", [])
    count = one["records"]
    if is_diff:
        differ = "differs" if len(assets) == 1 else "differ"
        some = f"{len(assets)} of {count} assets {differ}"
        title = f"{one['name']}: {some}" + (f", {len(removed)} removed" if removed else "")
    else:
        title = f"{one['name']}: {count} {'asset' if count == 1 else 'assets'}"
    yield title
    facts = [one["file"], f"{size_text(one['cookedBytes'])} in {one['cache']}"]
    if one.get("staleBytes"):
        facts.append(f"{size_text(one['staleBytes'])} to cook")
    yield from _wrapped(", ".join(facts), width, "  ")
    if "unrecorded" in one:
        yield from _wrapped(f"no records to compare with: {one['unrecorded']}", width, "  ")
    if assets or removed:
        yield ""
        yield from _rows(assets, removed, width)


def _rows(assets: Sequence[Mapping[str, Any]], removed: Sequence[str], width: int) -> Iterator[str]:
    """Yield a line or more for each asset: state, bytes, label, and below it what there is to say.

    Those that only follow what they are made of are in one paragraph at the end.
    """
    following = [_label(each) for each in assets if each.get("causes") == ["parts"]]
    rows = [
        (each["state"], each.get("bytes", 0), _label(each), _details(each))
        for each in assets
        if each.get("causes") != ["parts"]
    ]
    rows += [("removed", 0, _unbroken(label), []) for label in removed]
    rows += [("follow", 0, _names(following, _FOLLOWING), [])] if following else []
    states = max(len(state) for state, *_ in rows)
    sizes = max(len(size_text(size)) if size else 0 for _, size, *_ in rows)
    for state, size, label, details in rows:
        amount = f"{size_text(size) if size else '':>{sizes}}  " if sizes else ""
        head = f"  {state:<{states}}  {amount}"
        margin = " " * len(head)
        line = f"{head}{label}".replace(_NO_BREAK, " ")
        if len(details) == 1 and len(f"{line}  {details[0]}") <= width:
            yield f"{line}  {details[0]}".replace(_NO_BREAK, " ")
            continue
        first, *others = _wrapped(label, width, margin)
        yield from (head + first[len(margin) :], *others)
        for detail in details:
            yield from _wrapped(detail, width, margin + "  ", "  ")


def _label(asset: Mapping[str, Any]) -> str:
    name = f"'{asset['name']}'" if "name" in asset else f"#{asset['index']}"
    return _unbroken(f"{asset['@type']} {name}")


def _details(asset: Mapping[str, Any]) -> list[str]:
    """Return what there is to say of an asset, each a line or more."""
    details = []
    if "problem" in asset:
        of = asset["problem"]
        place = f"{of['at']}: " if "at" in of else ""
        details.append(f"{place}[{of['code']}] {of['message']}")
    elif asset.get("why", _UNCOOKED) != _UNCOOKED:
        details.append(asset["why"])
    for one in asset.get("fields", []):
        before, now = (_shown(one[key]) if key in one else "unset" for key in ("before", "now"))
        details.append(f"{one['field']} was {before}, is {now}")
    if "layout" in asset.get("causes", []) and asset.get("why") != _UNCOOKED:
        details.append("it is laid out again")
    if "dependants" in asset:
        details.append(f"used by {_names(asset['dependants'])}")
    if asset.get("unused"):
        details.append("unused")
    return details


def _shown(value: object) -> str:
    if isinstance(value, list) and len(value) == 1:
        return _shown(value[0])
    if isinstance(value, list):
        return f"[{' '.join(map(_shown, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _names(labels: Sequence[str], most: int = _NAMED) -> str:
    more = f" and {len(labels) - most} more" if len(labels) > most else ""
    return ", ".join(map(_unbroken, labels[:most])) + more


def _unbroken(label: str) -> str:
    """Return a label that is not wrapped."""
    return label.replace(" ", _NO_BREAK)


def _wrapped(text: str, width: int, margin: str, more: str = "") -> list[str]:
    """Return a text as lines of at most `width` columns, `more` deeper from the second on.

    Words longer than a line are cut, paths after one of their parts.
    """
    lines, line, begin = [], margin, margin
    for word in filter(None, text.split(" ")):
        while True:
            joined = f"{line} {word}" if line != begin else line + word
            if len(joined) <= width:
                line = joined
                break
            if line != begin:
                lines.append(line)
            else:
                room = width - len(begin)
                cut = max(word.rfind(sign, 0, room) for sign in "/_") + 1 or room
                lines.append(begin + word[:cut])
                word = word[cut:]
            line = begin = margin + more
    return [one.replace(_NO_BREAK, " ") for one in (*lines, line)]


def _difference(found: Mapping[str, Any], width: int) -> Iterator[str]:
    yield f"on a device as {found['profile']}"
    column = len("planned in last run")
    for name, key in _ROWS:
        yield f"  {name:<{column}}  {size_text(found[key]):>10}"
    if "plannedBefore" in found:
        ran = found["ranBefore"]
        where = f"{ran['device']}, {ran['size'][0]}x{ran['size'][1]}"
        line = f"  {'planned in last run':<{column}}  {size_text(found['plannedBefore']):>10}  {where}"
    else:
        line = f"  {'planned in last run':<{column}}  {found['noPlanBefore']}"
    yield line
