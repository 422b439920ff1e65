"""Keys: an asset of a database or a named transient resource, as one int64.

An asset's key is `db << 32 | index` (AssetRef.key). Transients (shadow map, rings, staging) are interned by
name under the database number `TRANSIENT_DB`, which no AssetLibrary assigns.
"""

from __future__ import annotations

from collections.abc import Callable

TRANSIENT_DB = 0x7FFF_0000


def asset_key(db: int, index: int) -> int:
    """The key of asset `index` of database `db`."""
    return db << 32 | index


def split_key(key: int) -> tuple[int, int]:
    """(db, index) of a key."""
    return key >> 32, key & 0xFFFF_FFFF


def is_transient(key: int) -> bool:
    """Whether a key identifies a transient, not an asset."""
    return key >> 32 == TRANSIENT_DB


class Keys:
    """Interns transients by name and gives every key its name in plans and errors.

    `describe` names assets by their keys (`assetDb0 vertices 'cube'`); without it they are named as in the
    seed, `assetDb: 0 asset: 2`. `database` names databases by their numbers; without it `assetDb0`. `origin`
    says what an asset without a name of its own is made from, empty where there is nothing to say.
    """

    def __init__(
        self,
        describe: Callable[[int], str] | None = None,
        database: Callable[[int], str] | None = None,
        origin: Callable[[int], str] | None = None,
    ) -> None:
        self._describe = describe
        self._database = database
        self._origin = origin
        self._names: list[str] = []
        self._ids: dict[str, int] = {}

    def transient(self, name: str) -> int:
        """The key of the transient called `name`, created on first use."""
        index = self._ids.get(name)
        if index is None:
            index = self._ids[name] = len(self._names)
            self._names.append(name)
        return TRANSIENT_DB << 32 | index

    def name(self, key: int) -> str:
        """The name of this key in plans and errors."""
        if is_transient(key):
            return self._names[key & 0xFFFF_FFFF]
        if self._describe is not None:
            return self._describe(key)
        db, index = split_key(key)
        return f"assetDb: {db} asset: {index}"

    def caption(self, key: int) -> str:
        """The name for people: of an asset without a name of its own also what it is made from."""
        origin = self.origin(key)
        return f"{self.name(key)} ({origin})" if origin else self.name(key)

    def origin(self, key: int) -> str:
        """What the asset of a key without a name of its own is made from; else empty."""
        return "" if self._origin is None or is_transient(key) else self._origin(key)

    def database(self, db: int) -> str:
        """The name of a database in listings."""
        return self._database(db) if self._database is not None else f"assetDb{db}"

    @property
    def transients(self) -> tuple[str, ...]:
        """Names of all transients, in the order of their keys."""
        return tuple(self._names)
