"""The diff of databases as plain values, which docs/assets.md describes: written as Humon or JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from engine.assets.cook import cache_path
from engine.assets.roots import display_path
from engine.assets.updating.asset_states import AssetState, DatabaseStates, FieldChange, State

if TYPE_CHECKING:
    from engine.cli.last_plans import LastPlan
    from engine.humon import Problem
    from engine.planning.what_if.asset_difference import AssetDifference


def listed_database(of: DatabaseStates, changed_only: bool) -> dict[str, Any]:
    """Return a database with its assets, or only those that a diff lists."""
    shown = [asset for asset in of.assets if asset.is_listed or not changed_only]
    listed: dict[str, Any] = {
        "name": of.db.name,
        "file": display_path(of.db.path),
        "cache": display_path(cache_path(of.db)),
        "records": len(of.assets),
        "cookedBytes": sum(one.size for one in of.assets if one.state is not State.STALE),
    }
    if changed_only:
        listed["staleBytes"] = sum(one.size for one in of.assets if one.state is State.STALE)
    if of.unrecorded:
        listed["unrecorded"] = of.unrecorded
    listed["assets"] = [_asset(one) for one in shown]
    if of.removed:
        listed["removed"] = list(of.removed)
    return listed


def listed_difference(found: AssetDifference, profile: str, last: LastPlan | None) -> dict[str, Any]:
    """Return what cooking leads to on a device, in bytes, and what the last run of the tableau planned."""
    listed: dict[str, Any] = {
        "profile": profile,
        "cooked": found.cooked,
        "laidOut": found.laid_out,
        "moved": found.moved,
        "transferred": found.transferred,
        "allocated": found.allocated,
        "freed": found.freed,
        "plannedAsCooked": found.planned[0],
        "plannedAfter": found.planned[1],
    }
    if last is None:
        listed["noPlanBefore"] = "no run of this tableau is known"
    else:
        listed["plannedBefore"] = last.planned
        listed["ranBefore"] = {"device": last.device, "size": [last.width, last.height]}
    listed["changes"] = [
        {"assetDb": each.db, "asset": each.asset, "change": each.change.value, "bytes": each.size}
        for each in found.changes
    ]
    return listed


def _asset(state: AssetState) -> dict[str, Any]:
    """Return an asset; what says nothing of it is left out."""
    values: dict[str, Any] = {
        "@type": state.asset.type.value,
        "index": state.asset.ref.index,
        "name": state.asset.name,
        "state": state.state.value,
        "bytes": state.size,
        "causes": [cause.value for cause in state.causes],
        "why": "; ".join(state.reasons),
        "problem": {} if state.problem is None else _problem(state.problem),
        "fields": [_field(one) for one in state.fields],
        "parts": list(state.parts),
        "dependants": list(state.dependants),
    }
    kept = {key: value for key, value in values.items() if value or key == "index"}
    return {**kept, "unused": True} if state.used is False else kept


def _problem(problem: Problem) -> dict[str, str]:
    place = "" if problem.position is None else str(problem.position)
    values = {"code": str(problem.code), "at": place, "message": problem.message, "help": problem.help}
    return {key: value for key, value in values.items() if value}


def _field(change: FieldChange) -> dict[str, Any]:
    values = {"field": change.field, "before": change.before, "now": change.now}
    return {key: value if key == "field" else _value(value) for key, value in values.items() if value}


def _value(text: str) -> Any:
    """Return the value of a JSON text; one that was shortened is a text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text
