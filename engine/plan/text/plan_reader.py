"""Reads a plan from its text, for `plan --against` and `diff`, and validates it, as it may have been edited.

It reads memoryPlan with its requirements and requesters: enough to plan from. The profile is given; a plan
that breaks a rule on it is refused with the position in the text, the asset and its requesters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeVar

import numpy as np

from engine.humon import InputError, Node, Problem, boolean, expect, failure, integer, parse, required, text
from engine.humon import Kind as NodeKind
from engine.plan.model.drawing_plan import NO_DRAWING
from engine.plan.model.findings import Finding, Part
from engine.plan.model.memory_plan import ALLOCATION, RESOURCE, SUBRESOURCE, MemoryPlan, Sharing
from engine.plan.model.plan import Plan
from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.requirements.coalesce import Coalesced, coalesce
from engine.plan.requirements.requesters import RequesterTable
from engine.plan.requirements.requirements import (
    ImageShape,
    QueueUse,
    Requirement,
    RequirementTable,
    TermsTable,
)
from engine.plan.terms.errors import PlanError
from engine.plan.terms.formats import Format
from engine.plan.terms.keys import TRANSIENT_DB, Keys, asset_key
from engine.plan.terms.policy import Policy
from engine.plan.terms.table import Table, is_in
from engine.plan.terms.vocabulary import (
    Access,
    BufferUsage,
    Contents,
    Dedicated,
    ImageUsage,
    Kind,
    MemoryProperty,
    QueueKind,
    Stage,
    flags_from_names,
)
from engine.plan.text.validate import validate

_ASSET = re.compile(r"(?P<database>.+?) [A-Za-z0-9]+ (?:'.*'|#\d+)", re.DOTALL)
_MOST = 1 << 44  # of bytes; plans add and multiply them in int64
_MOST_IDS = 1 << 30
_DB_OFFSET = 1 << 24  # added to the number of a database until no other plan has an asset at that address
_MOST_SIDE = 1 << 16  # of images; no device makes larger ones
_MAX_FINDINGS = 5
T = TypeVar("T")

AGAIN = "write the plan again: `python -m engine plan SCENE`"
"""The hint where its text is wrong."""


class _Reader:
    def __init__(self, keys: Keys | None, names: dict[int, str]) -> None:
        self.names = names
        self.keys = keys if keys is not None else Keys(names.__getitem__)
        self.table = RequirementTable(self.keys, RequesterTable())
        self.terms = TermsTable()
        self.allocations: list[tuple[object, ...]] = []
        self.resources: list[tuple[object, ...]] = []
        self.places: list[tuple[object, ...]] = []
        self.at: dict[tuple[Part, int], Node] = {}

    def memory(self, node: Node) -> None:
        for key, blocks in node.items():
            word, _, number = key.partition(" ")
            if word != "memoryType" or not (number.isascii() and number.isdigit()) or len(number) > 3:
                raise failure("plan.text", f"'{key}' is not a memory type", blocks, "write `memoryType 0`")
            for block in blocks:
                self.allocation(int(number), block)

    def allocation(self, memory_type: int, node: Node) -> None:
        ident = self.ident(node, Part.ALLOCATION)
        members = list(expect(required(node, "resources"), NodeKind.LIST))
        linear = bool(members) and required(members[0], "kind").text == "buffer"
        flags = [_true(node, name) for name in ("own", "dedicated", "deviceAddress", "mapped")]
        self.allocations.append((ident, memory_type, _whole(node, "size"), *flags, linear))
        for member in members:
            self.resource(ident, member)

    def resource(self, home: int, node: Node) -> None:
        ident = self.ident(node, Part.RESOURCE)
        kind = _known(required(node, "kind"), lambda t: Kind[t.upper()])
        usage = int(_usage(kind, required(node, "usages")))
        sharing = _known(required(node, "sharing"), lambda t: Sharing[t.upper()])
        numbers = [_whole(node, n) for n in ("offset", "size")]
        size = _whole(node, "bytes") if kind is Kind.BUFFER else 0
        shape = _shape(node) if kind is Kind.IMAGE else None
        extent = (
            (int(shape.format), shape.width, shape.height, shape.mip_levels, shape.samples, shape.cube)
            if shape
            else (0, 0, 0, 0, 0, False)
        )
        layers = _whole(node, "layers", 1, _MOST_SIDE) if shape else 0
        tail = (layers, _true(node, "estimated"), _true(node, "aliased"), int(sharing))
        alignment = _whole(node, "alignment", 1)
        self.resources.append((ident, home, *numbers, size, alignment, usage, int(kind), *extent, *tail))
        for place in expect(required(node, "subresources"), NodeKind.LIST):
            self.place(ident, kind, shape, place)

    def place(self, resource: int, kind: Kind, shape: ImageShape | None, node: Node) -> None:
        name = node.get("transient")
        if name is not None:
            key = self.keys.transient(text(name))
        else:
            db, index = _entries(required(node, "address"), 2)
            address = integer(db, 0, TRANSIENT_DB - 1), integer(index, 0, (1 << 32) - 1)
            key = self.asset(*address, text(required(node, "assetCache")))
        self.remember(node, Part.SUBRESOURCE, key)
        size, footprint = _whole(node, "size"), _whole(node, "footprint")
        stride = _optional(node, "stride", size)
        content = _optional(node, "content", 0, -(1 << 63), (1 << 63) - 1)
        requirement = _requirement(node, key, kind, shape, size, content)
        terms = self.terms.id(requirement.terms())
        offset = _whole(node, "offset" if kind is Kind.BUFFER else "layer")
        self.places.append((key, resource, terms, offset, size, footprint, stride, content))
        # Requesters are kept as text and not parsed: the text may be anything.
        requesters = self.table.requesters
        self.table.add(requirement, [requesters.add(text(who)) for who in required(node, "why")])

    def asset(self, db: int, index: int, name: str) -> int:
        """The key of an asset; another key than its address where another plan has another asset there."""
        while self.names.setdefault(asset_key(db, index), name) != name:
            db = (db + _DB_OFFSET) % TRANSIENT_DB
        return asset_key(db, index)

    def ident(self, node: Node, part: Part) -> int:
        ident = _whole(node, part.value, 0, _MOST_IDS)
        self.remember(node, part, ident)
        return ident

    def remember(self, node: Node, part: Part, ident: int) -> None:
        if self.at.setdefault((part, ident), node) is not node:
            before = self.at[part, ident].position
            name = self.keys.name(ident) if part is Part.SUBRESOURCE else f"{part.value} {ident}"
            raise failure("plan.text", f"{name} exists twice, first at {before}", node, AGAIN)

    def refusal(self, finding: Finding, plan: Plan, root: Node) -> Problem:
        """The problem for a finding, at its position in the text, with assets and their requesters."""
        node, parts = root, [str(finding)]
        if finding.part is not None and finding.ids:
            node = self.at.get((finding.part, finding.ids[-1]), root)
        keys: list[int] = []
        if finding.part is Part.SUBRESOURCE:
            keys = [key for key in finding.ids if plan.requirements.needs.has(np.array([key]))[0]]
        elif finding.part is Part.RESOURCE:
            places = plan.memory.subresources
            keys = places["key"][is_in(places["resource"], finding.ids)].tolist()[:_MAX_FINDINGS]
            parts.append("in it " + ", ".join(map(self.keys.name, keys)))
        requesters = {
            str(self.table.requesters[a]) for key in keys for a in plan.requirements.requesters_of(key)
        }
        if requesters:
            parts.append("requested by " + ", ".join(sorted(requesters)))
        return root.document.problem(
            "plan.text", "; ".join(parts), node, "undo the edit, or print the plan again"
        )

    def plan(self) -> MemoryPlan:
        return MemoryPlan(
            Table.of(np.sort(np.array(self.allocations, ALLOCATION), order="id"), "id"),
            Table.of(np.sort(np.array(self.resources, RESOURCE), order="id"), "id"),
            Table.of(np.sort(np.array(self.places, SUBRESOURCE), order="key"), "key"),
            1 + max((int(str(row[0])) for row in self.allocations), default=-1),
            1 + max((int(str(row[0])) for row in self.resources), default=-1),
        )


def read_plan(
    source: str,
    profile: DeviceProfile,
    policy: Policy | None = None,
    name: str = "plan.hu",
    keys: Keys | None = None,
    names: dict[int, str] | None = None,
) -> Plan:
    """The plan in a text that `plan_text` wrote, on `profile`.

    `keys` are those of the plan to compare with: transients of one name get the same key. Names of assets are
    collected in `names`: an asset whose address has another name there is another asset, and gets another
    key.

    InputError where the text is no plan or the plan breaks a rule (ranges overlap, for example), PlanError
    where it was made for another profile or the terms of one key contradict each other.
    """
    root = required(parse(source, name).root, "featureDb")
    made_for = text(required(root, "profile"))
    if made_for != profile.name:
        problem = f"{name}: made for '{made_for}', but the profile is '{profile.name}'"
        raise PlanError("plan.profile", problem, "give the profile that the plan was made for")
    reader = _Reader(keys, {} if names is None else names)
    reader.memory(required(root, "memoryPlan"))
    types = [int(str(row[1])) for row in reader.allocations]
    if types and max(types) >= len(profile.memory_types):
        problem = f"{name}: memory type {max(types)}, but the profile has {len(profile.memory_types)}"
        raise PlanError("plan.profile", problem, "give the profile that the plan was made for")
    needs: Coalesced = coalesce(reader.table)
    plan = Plan(
        reader.plan(), MemoryPlan.empty(), NO_DRAWING, needs, reader.terms, profile, policy or Policy()
    )
    findings = [f for f in validate(plan) if f.rule not in ("budget", "1 size")]
    if findings:
        raise InputError([reader.refusal(finding, plan, root) for finding in findings[:_MAX_FINDINGS]])
    return plan


def database_name(names: Mapping[int, str], db: int) -> str:
    """The name of database `db`, with which the names of its assets begin (`assetDb0 vertices 'cube'`)."""
    for key, name in names.items():
        found = _ASSET.fullmatch(name)
        if key >> 32 == db and found is not None:
            return found["database"]
    return f"assetDb{db}"


def profile_name(source: str, name: str = "plan.hu") -> str:
    """The name of the profile that a plan text was made for; InputError where it is no plan."""
    return text(required(required(parse(source, name).root, "featureDb"), "profile"))


def _requirement(
    node: Node, key: int, kind: Kind, shape: ImageShape | None, size: int, content: int
) -> Requirement:
    life = node.get("lifetime")
    dedicated, contents = node.get("dedicated"), node.get("contents")
    return Requirement(
        key,
        kind,
        0 if shape else size,
        _optional(node, "alignment", 1, 1),
        shape,
        _usage(kind, required(node, "usages")),
        _flags(MemoryProperty, required(node, "memoryProperties")),
        _flags(MemoryProperty, node.get("preferred")),
        tuple(_use(use) for use in expect(required(node, "queues"), NodeKind.LIST)),
        _known(dedicated, lambda t: Dedicated[t.upper()]) if dedicated else Dedicated.NO,
        _known(contents, lambda t: Contents[t.upper()]) if contents else Contents.UNDEFINED,
        _optional(node, "copies", 1, 1, _MOST_SIDE),
        None if life is None else _passes(life),
        _true(node, "mapped"),
        _optional(node, "priority", 0, -(1 << 31), (1 << 31) - 1),
        content,
    )


def _use(node: Node) -> QueueUse:
    queue, access, stage = _entries(node, 3)
    kind = _known(queue, lambda t: QueueKind[t.upper()])
    return QueueUse(kind, _flags(Access, access), _flags(Stage, stage))


def _passes(node: Node) -> tuple[int, int]:
    first, last = _entries(node, 2)
    begin = integer(first, 0, _MOST_IDS)
    return begin, integer(last, begin, _MOST_IDS)


def _shape(node: Node) -> ImageShape:
    width, height = (integer(side, 1, _MOST_SIDE) for side in _entries(required(node, "dims"), 2))
    texel = _known(required(node, "format"), lambda t: Format[t.upper()])
    levels = _whole(node, "mipLevels", 1, max(width, height).bit_length())
    return ImageShape(texel, width, height, levels, _whole(node, "samples", 1, 64), _true(node, "cube"))


_Flags = TypeVar("_Flags", BufferUsage, ImageUsage, MemoryProperty, Access, Stage)


def _flags(kind: type[_Flags], node: Node | None) -> _Flags:
    if node is None:
        return kind(0)
    names = [node.text] if node.kind is NodeKind.VALUE else [text(child) for child in node]
    try:
        found = flags_from_names(kind, names)
    except (KeyError, ValueError) as unknown:
        raise failure("plan.text", f"{unknown} is no {kind.__name__}", node, AGAIN) from None
    if not 0 <= int(found) < 1 << (64 if kind in (Access, Stage) else 32):
        raise failure("plan.text", f"{int(found):#x} is no {kind.__name__}", node, AGAIN)
    return found


def _usage(kind: Kind, node: Node) -> BufferUsage | ImageUsage:
    return _flags(BufferUsage, node) if kind is Kind.BUFFER else _flags(ImageUsage, node)


def _known(node: Node, read: Callable[[str], T]) -> T:
    try:
        return read(text(node))
    except KeyError:
        raise failure("plan.text", f"'{node.text}' is not known here", node, AGAIN) from None


def _whole(node: Node, name: str, least: int = 0, most: int = _MOST) -> int:
    return integer(required(node, name), least, most)


def _optional(node: Node, name: str, default: int, least: int = 0, most: int = _MOST) -> int:
    return _whole(node, name, least, most) if name in node else default


def _entries(node: Node, count: int) -> list[Node]:
    found = list(expect(node, NodeKind.LIST))
    if len(found) != count:
        raise failure("plan.text", f"expected a list of {count} items, not of {len(found)}", node, AGAIN)
    return found


def _true(node: Node, name: str) -> bool:
    child = node.get(name)
    return child is not None and boolean(child)
