"""Claims about values by asset keys: a database is forgotten whole, and others are not looked at for it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.plan.terms.by_database import ByDatabase
from engine.plan.terms.keys import asset_key, split_key

assets = st.tuples(st.integers(0, 3), st.integers(0, 5))
turns = st.one_of(
    st.tuples(st.just("set"), assets),
    st.tuples(st.just("pop"), assets),
    st.tuples(st.just("forget"), st.sets(st.integers(0, 3))),
)


@given(st.lists(turns, max_size=40))
def test_forgetting_databases_leaves_what_is_known_of_all_others(history):
    known, expected = ByDatabase[int](), dict[int, int]()
    for turn, (what, of) in enumerate(history):
        if what == "set":
            known[asset_key(*of)] = expected[asset_key(*of)] = turn
        elif what == "pop":
            known.pop(asset_key(*of), None)
            expected.pop(asset_key(*of), None)
        else:
            gone = {key for key in expected if split_key(key)[0] in of}
            assert gone <= set(known.forget(of))
            for key in gone:
                del expected[key]
        assert known == expected


def test_only_the_assets_of_a_forgotten_database_are_looked_at() -> None:
    class Counted(ByDatabase[int]):
        looked_at = 0

        def pop(self, *key):
            Counted.looked_at += 1
            return super().pop(*key)

    known = Counted()
    for index in range(1000):
        known[asset_key(1, index)] = index
    known[asset_key(2, 7)] = 7
    assert known.forget([2]) == [asset_key(2, 7)]
    assert Counted.looked_at == 1
