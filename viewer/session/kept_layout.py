"""The places of panels as ImGui writes them, checked before ImGui reads them: it crashes on a wrong tree.

Only lines that are known and whose numbers are in range are kept; what other versions add is left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

MAX_NODES = 256
MAX_COLUMNS = 64
_SIDE = r"[0-9]{1,5}"
_PLACE = rf"-?{_SIDE},-?{_SIDE}"
_ID = r"0x[0-9A-F]{8}"
_PIXELS = re.compile(r"\b((?:Pos|Size|SizeRef|Width)=)(-?[0-9]+(?:,-?[0-9]+)?)")
_LARGEST = 99_999
_SECTION = re.compile(r"\[(\w+)\]\[(.+)\]")
_WINDOW = re.compile(
    rf"Pos={_PLACE}|Size={_SIDE},{_SIDE}|Collapsed=[01]|DockId=(?P<node>{_ID})(?:,[0-9]{{1,4}})?|IsChild=1"
)
_TABLE = re.compile(rf"{_ID},([0-9]{{1,2}})")
_COLUMN = re.compile(
    r"Column ([0-9]{1,2}) +(?:UserID=[0-9A-F]{8} ?)?(?:(?:Width=[0-9]{1,5}|Weight=[0-9]{1,4}\.[0-9]{1,6}) ?)?"
    rf"(?:Visible=[01] ?)?(?:Order=([0-9]{{1,2}}) ?)?(?:Sort=[0-9][v^] ?)?(?:ID={_ID})?"
)
_NODE = re.compile(
    rf" *Dock(?:Node|Space) +ID=(?P<id>{_ID})(?: Parent=(?P<parent>{_ID}))?(?: Window={_ID})?"
    rf"(?: Pos={_PLACE} Size=(?P<size>{_SIDE},{_SIDE})| SizeRef=(?P<part>{_SIDE},{_SIDE}))?"
    r"(?: Split=(?P<split>[XY]))?"
    r"(?P<flags>(?: (?:NoResize|CentralNode|NoTabBar|HiddenTabBar|NoWindowMenuButton|NoCloseButton)=1)*)"
    rf"(?: Selected={_ID})?"
)


@dataclass
class _Nodes:
    """The nodes that windows are docked in; `children` has how many each has, by its id."""

    lines: list[str] = field(default_factory=list)
    children: dict[str, int] = field(default_factory=dict)
    is_split: dict[str, bool] = field(default_factory=dict)
    centres: int = 0

    def add(self, line: str) -> None:
        """Take the line of a node. Raises ValueError where it contradicts those before it."""
        found = _NODE.fullmatch(line)
        if found is None:
            raise ValueError(f"'{line.strip()[:60]}' is no place where panels dock")
        name, parent = found["id"], found["parent"]
        if int(name, 16) == 0 or name in self.children or len(self.children) >= MAX_NODES:
            raise ValueError(f"the place {name} is there twice, or one of too many")
        if parent is None:
            if found["size"] is None:
                raise ValueError(f"the place {name} has no size")
        elif not self.is_split.get(parent, False) or self.children[parent] == 2:
            raise ValueError(f"the place {parent} is not divided into {name} and one other")
        else:
            self.children[parent] += 1
        size = found["size"] or found["part"]
        if size is not None and "0" in (side.lstrip("0") or "0" for side in size.split(",")):
            raise ValueError(f"the place {name} has no area")
        self.centres += "CentralNode" in found["flags"]
        self.children[name], self.is_split[name] = 0, found["split"] is not None
        if self.centres > 1 or (self.is_split[name] and "CentralNode" in found["flags"]):
            raise ValueError(f"the place {name} cannot be the one in the middle")
        self.lines.append(line)

    def check(self) -> None:
        """Raise ValueError where a node has one part alone."""
        for name, is_split in self.is_split.items():
            if self.children[name] != 2 * is_split:
                raise ValueError(f"the place {name} is divided into {self.children[name]}, not two")

    def has_leaf(self, name: str) -> bool:
        """Whether windows can be docked in a node."""
        return not self.is_split.get(name, True)


def kept_layout(text: str) -> str:
    """Return what of a layout ImGui may read. Raises ValueError, with the reason, where nothing can be."""
    nodes = _Nodes()
    sections = _sections(text)
    for (kind, _), lines in sections.items():
        if kind == "Docking":
            for line in lines:
                nodes.add(line)
    nodes.check()
    kept: list[str] = []
    for (kind, name), lines in sections.items():
        if kind == "Window":
            kept += [f"[Window][{name}]", *_of_window(lines, nodes), ""]
        elif kind == "Table" and (columns := _columns(name, lines)):
            kept += [f"[Table][{name}]", *columns, ""]
    return "\n".join([*kept, "[Docking][Data]", *nodes.lines, ""]) if sections else ""


def scaled_layout(text: str, ratio: float) -> str:
    """Return a layout whose places and sizes are `ratio` times as large, for a display of another scale."""

    def scaled(found: re.Match[str]) -> str:
        return found[1] + ",".join(_scaled(side, ratio) for side in found[2].split(","))

    lines = text.split("\n")
    return "\n".join(line if _SECTION.fullmatch(line) else _PIXELS.sub(scaled, line) for line in lines)


def _scaled(side: str, ratio: float) -> str:
    least = 1 if int(side) > 0 else -_LARGEST  # an area stays one
    return str(max(least, min(round(int(side) * ratio), _LARGEST)))


def _sections(text: str) -> dict[tuple[str, str], list[str]]:
    """Return the lines of each section; of one that is there twice the later ones."""
    found: dict[tuple[str, str], list[str]] = {}
    lines: list[str] = []
    for line in text.splitlines():
        if head := _SECTION.fullmatch(line):
            lines = found[head[1], head[2]] = []
        elif line:
            lines.append(line)
    return found


def _of_window(lines: list[str], nodes: _Nodes) -> list[str]:
    kept = []
    for line in lines:
        found = _WINDOW.fullmatch(line)
        if found and (found["node"] is None or nodes.has_leaf(found["node"])):
            kept.append(line)
    return kept


def _columns(name: str, lines: list[str]) -> list[str]:
    """Return the lines of a table's columns; nothing where they are not those of one."""
    head = _TABLE.fullmatch(name)
    count = int(head[1]) if head else 0
    if not 1 <= count <= MAX_COLUMNS:
        return []
    kept, seen, orders = [], set(), set()
    for line in lines:
        found = _COLUMN.fullmatch(line)
        if found is None:
            continue
        number, order = int(found[1]), int(found[2] or found[1])
        if max(number, order) >= count or number in seen or order in orders:
            return []
        seen.add(number)
        orders.add(order)
        kept.append(line)
    return kept
