"""Values by asset keys, which are forgotten database by database."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from engine.plan.terms.keys import split_key

Value = TypeVar("Value")


class ByDatabase(dict[int, Value]):
    """A dict by asset keys, filled with `known[key] = value`.

    To forget a database takes time in proportion to what is known of it, not to what is known.
    """

    def __init__(self) -> None:
        super().__init__()
        self._keys: dict[int, list[int]] = {}

    def __setitem__(self, key: int, value: Value) -> None:
        if key not in self:
            self._keys.setdefault(split_key(key)[0], []).append(key)
        super().__setitem__(key, value)

    def forget(self, dbs: Iterable[int]) -> list[int]:
        """Forget the assets of databases, by their numbers; return their keys."""
        gone = [key for db in dbs for key in self._keys.pop(db, ())]
        for key in gone:
            self.pop(key, None)
        return gone
