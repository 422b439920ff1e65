"""Plans with one broken rule, for tests of the validator."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np

from engine.plan.model.findings import Part
from engine.plan.model.plan import Plan
from engine.plan.terms.table import Table


def ident(plan: Plan, part: Part, key: int) -> int:
    """The key itself, or the id of the resource or allocation that holds it."""
    at = plan.address(key)
    return {Part.SUBRESOURCE: key, Part.RESOURCE: at.resource, Part.ALLOCATION: at.allocation}[part]


def changed(plan: Plan, part: Part, key: int, **fields: object) -> Plan:
    """The plan with other field values in one row; `key` is the key itself, or one in the row's object."""
    rows: Table = getattr(plan.memory, f"{part.value}_table")
    row = rows.rows(np.array([ident(plan, part, key)]))
    for name, value in fields.items():
        row[name] = value
    broken = {f"{part.value}_table": rows.changed(row, np.zeros(0, np.int64))}
    return replace(plan, memory=replace(plan.memory, **broken))


def without_place(plan: Plan, key: int) -> Plan:
    rows = plan.memory.subresource_table.changed(plan.memory.subresources[:0], np.array([key]))
    return replace(plan, memory=replace(plan.memory, subresource_table=rows))


def with_terms(plan: Plan, key: int, **fields: object) -> Plan:
    place = plan.memory.subresource_table.row(key)
    terms = replace(plan.terms[int(place["terms"])], **fields)
    return changed(plan, Part.SUBRESOURCE, key, terms=plan.terms.id(terms))


def with_profile(plan: Plan, **fields: object) -> Plan:
    return replace(plan, profile=replace(plan.profile, _cache={}, **fields))


def with_limits(plan: Plan, **fields: int) -> Plan:
    return with_profile(plan, limits=replace(plan.profile.limits, **fields))


def without_need(plan: Plan, key: int) -> Plan:
    """The plan without the need of `key`, whose place stays."""
    needs = plan.requirements.needs
    needs = needs.changed(needs.array[:0], np.array([key]))
    return replace(plan, requirements=replace(plan.requirements, needs=needs))


def without_requesters(plan: Plan, key: int) -> Plan:
    """The plan without the requesters of `key`."""
    rows = plan.requirements.requested.rows
    nobody = SimpleNamespace(rows=rows[rows["key"] != key])
    return replace(plan, requirements=replace(plan.requirements, requested=nobody))


def with_empty(plan: Plan, part: Part) -> Plan:
    """The plan with one more resource or allocation, number 77, which is empty."""
    rows: Table = getattr(plan.memory, f"{part.value}_table")
    row = rows.array[:1].copy()
    row["id"] = 77
    more = {f"{part.value}_table": rows.changed(row, np.zeros(0, np.int64))}
    return replace(plan, memory=replace(plan.memory, **more))


def staged_twice(plan: Plan, part: Part) -> Plan:
    """The plan with its first resource or allocation also in the staging plan."""
    name = f"{part.value}_table"
    rows: Table = getattr(plan.staging, name)
    more = {name: rows.changed(getattr(plan.memory, name).array[:1], np.zeros(0, np.int64))}
    return replace(plan, staging=replace(plan.staging, **more))
