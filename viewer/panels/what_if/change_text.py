"""A change of the plan in words: bytes, allocations, usage bits and keys."""

from __future__ import annotations

from collections.abc import Callable

from engine.plan.model.plan_change import PlanChange
from engine.planning.what_if.what_if import Outcome
from viewer.panels.number_format import bytes_text, count_text

MAX_LINES = 8
"""Keys, and usage bits, that are named."""


def change_title(change: PlanChange) -> str:
    """The change in a line: `-16.0 MiB, -1 allocation`; `no change of memory` where it is none."""
    if change.is_nothing and not change.waiting_bytes:
        return "no change of memory"
    words = [signed_bytes(change.bytes)]
    if change.allocations:
        words.append(signed_count(change.allocations, "allocation"))
    return ", ".join(words)


def change_lines(change: PlanChange, name_of: Callable[[int], str]) -> tuple[str, ...]:
    """The change in lines: the title, what comes back later, usage bits, keys that come and go."""
    lines = [change_title(change)]
    if change.waiting_bytes > 0:
        lines.append(f"{bytes_text(change.waiting_bytes)} more are returned after a while")
    elif change.waiting_bytes < 0:
        lines.append(f"{bytes_text(-change.waiting_bytes)} less wait to be returned")
    for usage in change.usages[:MAX_LINES]:
        bits = [*(f"+{bit}" for bit in usage.added), *(f"-{bit}" for bit in usage.removed)]
        lines.append(f"{' '.join(bits)} on {usage.name}")
    if len(change.usages) > MAX_LINES:
        lines.append(f"and other usage of {len(change.usages) - MAX_LINES:,} more")
    for sign, keys, size in (
        ("+", change.gained, change.gained_bytes),
        ("-", change.lost, change.lost_bytes),
    ):
        if len(keys):
            lines.append(f"{sign}{count_text(len(keys), 'block')}, {bytes_text(size)}:")
            lines += [f"    {name_of(key)}" for key in keys[:MAX_LINES].tolist()]
            if len(keys) > MAX_LINES:
                lines.append(f"    and {len(keys) - MAX_LINES:,} more")
    if change.moved:
        place = "another place" if change.moved == 1 else "other places"
        lines.append(f"{count_text(change.moved, 'block')} copied to {place} in memory")
    if change.renewed:
        lines.append(f"{count_text(change.renewed, 'block')} created again, nothing is copied")
    if change.short > 0:
        fits = "does not fit and is" if change.short == 1 else "do not fit and are"
        lines.append(f"{count_text(change.short, 'more block')} {fits} left out")
    return tuple(lines)


def outcome_lines(outcome: Outcome | None, name_of: Callable[[int], str]) -> tuple[str, ...]:
    """What a press would do, in lines; that it is worked out, while it is."""
    if outcome is None:
        return ("...",)
    if outcome.error is not None:
        return ("does not fit:", outcome.error.problem)
    assert outcome.change is not None
    return change_lines(outcome.change, name_of)


def signed_bytes(size: int) -> str:
    """Bytes with their sign: `+16.0 MiB`."""
    return f"{'+' * (size > 0)}{bytes_text(size)}"


def signed_count(count: int, one: str) -> str:
    """A count with its sign and its noun: `-1 allocation`."""
    sign = "+" if count > 0 else "-" if count < 0 else ""
    return sign + count_text(abs(count), one)
