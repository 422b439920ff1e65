"""Samples of exhaustive proofs: the same seed draws the same cases, and a whole proof leaves none out."""

from __future__ import annotations

import importlib
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import core, given, settings
from hypothesis.strategies import integers
from support.sampling import Extent, Progress, Run, Sample, amount

CASES = range(1, 101)


@pytest.fixture
def extent(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    monkeypatch.setattr(Run, "extent", request.param)
    monkeypatch.setattr(Run, "seed", 5)


sampled = pytest.mark.parametrize("extent", [Extent.SAMPLE], indirect=True)
short = pytest.mark.parametrize("extent", [Extent.SHORT], indirect=True)
whole = pytest.mark.parametrize("extent", [Extent.WHOLE], indirect=True)


@sampled
def test_one_seed_draws_the_same_cases_and_another_seed_others(
    extent: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = Sample("a test").of(CASES, 10)
    assert Sample("a test").of(CASES, 10) == drawn
    assert Sample("another test").of(CASES, 10) != drawn
    monkeypatch.setattr(Run, "seed", 6)
    assert Sample("a test").of(CASES, 10) != drawn


@sampled
def test_a_sample_is_spread_over_all_cases(extent: None) -> None:
    drawn = Sample("a test").of(CASES, 10)
    assert [(case - 1) // 10 for case in drawn] == list(range(10))
    calls = list(islice(Sample("a test").calls(10), 10))
    assert [(call - 1) // 10 for call in calls] == list(range(10))


@short
def test_the_short_proof_draws_twice_as_many(extent: None) -> None:
    assert len(Sample("a test").of(CASES, 10)) == 20
    assert len(Sample("a test").seeds(10, 1000)) == 20
    assert amount(50, 100) == 100
    assert next(islice(Sample("a test").calls(20), 9, None)) in range(91, 101)


@whole
def test_a_whole_proof_leaves_no_case_out(extent: None) -> None:
    assert Sample("a test").of(CASES, 10) == list(CASES)
    assert list(islice(Sample("a test").calls(10), 50)) == list(range(1, 51))


@whole
def test_half_of_the_seeds_of_a_whole_proof_are_the_same_in_each_run(extent: None) -> None:
    seeds = Sample("a test").seeds(10, 100)
    assert seeds[:50] == list(range(50))
    assert len(set(seeds)) == 100


@sampled
def test_a_long_proof_says_how_far_it_has_come(extent: None, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(Run, "say", said.append)
    assert list(Sample("a test").seeds(3, 100)) == list(Sample("a test").seeds(3, 100))
    assert said == []  # in less than a minute
    monkeypatch.setattr(Progress, "EVERY_S", 0.0)
    sample = Sample("a test")
    for _ in sample.seeds(3, 100):
        pass
    assert said == [f"\na test: {done} of 3 cases, after 0 min\n" for done in range(3)]
    nth = next(sample.calls(10))
    assert said[3:] == [f"\na test: call {nth}, after 0 min\n"]


def test_a_seed_draws_the_same_examples_whatever_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def drawn() -> list[int]:
        found: list[int] = []

        @settings(max_examples=200, database=None)
        @given(integers())
        def draw(number: int) -> None:
            found.append(number)

        draw()
        return found

    (tmp_path / "numbers_of_ours.py").write_text("\n".join(f"A{n} = {n * 12_347}" for n in range(2, 200)))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(core, "global_force_seed", 7)
    before = drawn()
    importlib.import_module("numbers_of_ours")
    assert drawn() == before


@sampled
def test_what_was_drawn_is_kept_for_the_report_of_a_failure(extent: None) -> None:
    sample = Sample("a test")
    drawn = sample.of(CASES, 3)
    first = sample.seeds(2, 10)[0]
    assert sample.drawn == [f"3 of 100: {drawn}", f"seeds {first} to {first + 1}"]
