"""Random scenes over all profiles, from fresh seeds that are printed; a proof takes fixed ones, too.

`make test` looks at a few, `make proof ONLY=plan` at many, `tests/bench/bench_plan.py` at more than that.
"""

from __future__ import annotations

import pytest
from support.plan_proofs import (
    change,
    compacted,
    remembered,
    replaced,
    resumed,
    stopped_everywhere,
    valid_plans,
)
from support.sampling import Sample

pytestmark = pytest.mark.timeout(600)


def test_random_plans_have_no_findings(sample: Sample):
    seeds = sample.seeds(40, 1000)
    assert sum(valid_plans(seed, 25) for seed in seeds) >= 20 * len(seeds)


def test_a_plan_and_its_schedule_are_the_next_plan(sample: Sample):
    seeds = sample.seeds(60, 480)
    assert sum(change(seed) for seed in seeds) > len(seeds) * 0.5


def test_a_schedule_can_be_replaced_midway_by_a_third_plan(sample: Sample):
    seeds = sample.seeds(60, 480)
    assert sum(replaced(seed) for seed in seeds) > len(seeds) * 0.4


def test_nothing_that_has_arrived_is_fetched_again(sample: Sample):
    seeds = sample.seeds(30, 240)
    assert sum(resumed(seed) for seed in seeds) == len(seeds)


def test_what_is_replaced_keeps_its_page_until_all_is_placed():
    # Found by a fresh seed: a page of which every key was replaced gave its memory to a new one meanwhile.
    assert resumed(5610508)


def test_padding_that_reaches_into_a_place_that_is_still_used_belongs_to_that():
    # Found by a fresh seed: a key that stayed, more coarsely aligned than before, was freed with its padding.
    assert replaced(8102314)


def test_a_schedule_can_be_stopped_after_every_step(sample: Sample):
    seeds = sample.seeds(5, 48)
    assert sum(stopped_everywhere(seed) for seed in seeds) > 4 * len(seeds)


def test_compaction_gains_what_it_says_and_keeps_every_byte(sample: Sample):
    seeds = sample.seeds(30, 200)
    assert sum(compacted(seed) for seed in seeds) >= len(seeds) // 20


def test_a_plan_depends_on_what_is_resident_and_not_on_how_it_came_about(sample: Sample):
    seeds = sample.seeds(12, 80)
    assert sum(remembered(seed) for seed in seeds) >= 5 * len(seeds)
