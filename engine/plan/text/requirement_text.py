"""The requirements of a plan as Humon in the seed's shape: `featureDb` and `featureReqs`.

`featureDb` has one entry for each asset and transient, with its coalesced need as in the memory plan.
`featureReqs` has one entry for each requirement before coalescing, as features and passes return them.
Sorted by address, with every requester: the same input gives the same bytes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from operator import itemgetter
from typing import Any

import numpy as np

from engine.humon import write
from engine.plan.model.plan import Plan
from engine.plan.requirements.requirements import Terms
from engine.plan.requirements.shapes import tight_bytes
from engine.plan.terms.keys import TRANSIENT_DB, is_transient, split_key
from engine.plan.terms.vocabulary import Kind, flag_names, word
from engine.plan.text.plan_text import queue_uses

Text = dict[str, Any]


def requirement_text(plan: Plan) -> str:
    """The requirements of a plan as Humon text."""
    return write(requirement_values(plan))


def requirement_values(plan: Plan) -> Text:
    """The requirements as plain Python values, ready for `engine.humon.write`."""
    needs = plan.requirements.needs.array
    entries = sorted(((_order(plan, int(row["key"])), row) for row in needs), key=itemgetter(0))
    return {"featureDb": [need_values(plan, row) for _, row in entries], "featureReqs": _requests(plan)}


def _order(plan: Plan, key: int) -> tuple[int, str]:
    """A sort key: assets by database and index, then transients by name."""
    return (TRANSIENT_DB << 32, plan.requirements.keys.name(key)) if is_transient(key) else (key, "")


def need_values(plan: Plan, row: np.void) -> Text:
    """One entry of featureDb: the need of a key, with what its transfer adds."""
    requirements, key = plan.requirements, int(row["key"])
    terms = requirements.terms[int(row["terms"])]
    if key in plan.memory:
        terms = plan.terms[int(plan.memory.subresource_table.row(key)["terms"])]
    values: Text = {"transient": requirements.keys.name(key)}
    if not is_transient(key):
        db, index = split_key(key)
        values = {"assetDbAddress": [requirements.keys.database(db), index]}
    values["memoryProperties"] = list(flag_names(terms.properties))
    values |= {"size": _size(terms, int(row["size"])), "usages": list(flag_names(terms.usage_flags))}
    values |= {"queues": queue_uses(terms), "dedicated": word(terms.dedicated)}
    return values | _address(plan, key) | {"why": _why(plan, requirements.requesters_of(key))}


def _requests(plan: Plan) -> list[Text]:
    """The entries of featureReqs: equal requests for one key with all their requesters."""
    requirements = plan.requirements
    requesters: dict[tuple[int, int, int], set[int]] = defaultdict(set)
    rows = requirements.requested.rows
    for key, size, number, requester in rows[["key", "size", "terms", "requester"]].tolist():
        requesters[key, size, number].add(requester)
    entries = []
    for (key, size, number), ids in requesters.items():
        terms = requirements.terms[number]
        values: Text = {"usage": list(flag_names(terms.usage_flags)), "size": _size(terms, size)}
        values |= {"dedicated": word(terms.dedicated), "queues": queue_uses(terms)}
        values["transient" if is_transient(key) else "assetCache"] = requirements.keys.name(key)
        values |= _address(plan, key) | {"why": _why(plan, ids)}
        entries.append((_order(plan, key), write(values), values))
    return [values for _, _, values in sorted(entries, key=itemgetter(0, 1))]


def _size(terms: Terms, size: int) -> int:
    """Bytes of one copy: the requested size of a buffer, or the packed mip chain of an image."""
    return size if terms.shape is None else tight_bytes(terms.shape)


def _address(plan: Plan, key: int) -> Text:
    """The address of a key as in the seed, or `leftOut` where it has no memory."""
    if key not in plan.memory:
        return {"leftOut": True}
    at = plan.address(key)
    kind = "buf" if at.kind is Kind.BUFFER else "img"
    address = {"memType": at.memory_type, "alloc": at.allocation, "resIdx": at.resource}
    return {"address": {**address, "bufImg": kind, "offset": at.offset}}


def _why(plan: Plan, requesters: Iterable[int]) -> list[str]:
    return sorted({str(plan.requirements.requesters[requester]) for requester in requesters})
