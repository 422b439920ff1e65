"""Random scenes over all profiles, from fresh seeds that are printed; a proof takes fixed ones, too.

`make test` looks at a few, `make proof ONLY=plan` at many, `tests/bench/bench_plan.py` at more than that.
"""

from __future__ import annotations

import pytest
from support.plan_proofs import (
    change,
    compacted,
    packing_is_pure,
    replaced,
    resumed,
    returned,
    stopped_everywhere,
    valid_plans,
)
from support.sampling import Sample

pytestmark = pytest.mark.timeout(600)


def test_random_plans_have_no_findings(sample: Sample):
    seeds = sample.seeds(8, 1000)
    assert sum(valid_plans(seed, 25) for seed in seeds) >= 20 * len(seeds)


def test_a_plan_and_its_schedule_are_the_next_plan(sample: Sample):
    seeds = sample.seeds(24, 480)
    assert sum(change(seed) for seed in seeds) > len(seeds) * 0.5


def test_an_unfinished_schedule_can_be_replaced_by_a_third_plan(sample: Sample):
    seeds = sample.seeds(24, 480)
    assert sum(replaced(seed) for seed in seeds) > len(seeds) * 0.4


def test_arrived_bytes_are_not_transferred_again(sample: Sample):
    seeds = sample.seeds(20, 240)
    assert sum(resumed(seed) for seed in seeds) == len(seeds)


def test_replaced_keys_keep_their_page_until_all_keys_are_placed():
    # Found by a fresh seed: a page was reused although all its keys were still being replaced.
    assert resumed(5610508)


def test_padding_that_overlaps_a_place_in_use_belongs_to_that_place():
    # Found by a fresh seed: a key that stayed with a coarser alignment was freed together with its padding.
    assert replaced(8102314)


def test_a_schedule_can_be_stopped_after_every_step(sample: Sample):
    seeds = sample.seeds(3, 48)
    assert sum(stopped_everywhere(seed) for seed in seeds) > 4 * len(seeds)


def test_compaction_frees_its_gain_and_keeps_every_byte(sample: Sample):
    seeds = sample.seeds(20, 200)
    assert sum(compacted(seed) for seed in seeds) >= len(seeds) // 20


def test_returned_pages_keep_every_byte_and_fetch_nothing(sample: Sample):
    seeds = sample.seeds(8, 120)
    assert sum(bool(returned(seed)) for seed in seeds) > len(seeds) * 0.5


def test_a_plan_depends_on_the_resident_state_and_not_on_its_history(sample: Sample):
    seeds = sample.seeds(8, 80)
    assert sum(packing_is_pure(seed) for seed in seeds) >= 5 * len(seeds)
