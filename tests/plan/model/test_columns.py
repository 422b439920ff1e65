"""Claims about the columns of needs: what follows from terms is worked out once."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from support.placed_needs import buffer, needs, texture
from support.random_scenes import profile

from engine.plan.model import columns
from engine.plan.model.columns import NeedColumns, need_columns
from engine.plan.requirements.requirements import TermsTable
from engine.plan.terms.policy import Policy

DEVICE, POLICY = profile("unified"), Policy()


def same(one: NeedColumns, other: NeedColumns) -> bool:
    """Whether all columns are equal, groups by what they are, whatever their numbers."""
    names = [field.name for field in fields(NeedColumns) if field.name not in ("group", "groups", "run")]
    by_group = [[of.groups[number] for number in of.group.tolist()] for of in (one, other)]
    order = [np.argsort(of.run, kind="stable").tolist() for of in (one, other)]
    equal = all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)
    return equal and by_group[0] == by_group[1] and order[0] == order[1]


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Every terms that were planned, in order."""
    found: list[object] = []
    real = columns.planned_terms

    def noted(terms, *given):
        found.append(terms)
        return real(terms, *given)

    monkeypatch.setattr(columns, "planned_terms", noted)
    return found


def test_terms_are_planned_once_while_profile_and_policy_stay(planned):
    wanted, table = needs(buffer(0), buffer(1), texture(2)), TermsTable()
    rows = wanted.needs.array
    first = need_columns(wanted, rows[:1], DEVICE, POLICY, table)
    assert len(planned) == 1
    every = need_columns(wanted, rows, DEVICE, POLICY, table)
    assert len(planned) == 2
    again = need_columns(wanted, rows, DEVICE, replace(POLICY), table)
    assert len(planned) == 2
    assert same(every, again)
    fresh = needs(buffer(0), buffer(1), texture(2))
    assert same(every, need_columns(fresh, fresh.needs.array, DEVICE, POLICY, TermsTable()))
    assert first.groups[first.group[0]] == every.groups[every.group[0]]


def test_terms_are_planned_again_for_another_profile_policy_or_table(planned):
    wanted, table = needs(buffer(0)), TermsTable()
    for device, policy, of in (
        (DEVICE, POLICY, table),
        (DEVICE.with_budgets({0: 1 << 20}), POLICY, table),
        (DEVICE, replace(POLICY, movable=False), table),
        (DEVICE, POLICY, TermsTable()),
    ):
        planned.clear()
        need_columns(wanted, wanted.needs.array, device, policy, of)
        assert len(planned) == 1
