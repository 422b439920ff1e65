"""What the records of a database said when it was cooked last: a small file beside its cache.

    line 1   JSON: format, version, digest of the database, CRC-32 of line 2
    line 2   JSON: for each asset by its label, the values of its fields as texts

A cache has what is made of sources. Everything else of a record is read from the text at each start, so this
file is what an edited material or sampler is compared with. A start writes it only for another text. It is
input like any other: one that is damaged, or of another version, holds nothing and is written again, and a
folder that cannot be written only means that there is nothing to compare with.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

from engine.assets.cache.stored_values import StoredValueError, text
from engine.assets.files import relative_name
from engine.assets.limits import MAX_ASSETS
from engine.assets.recipes import IMPORTER_VERSIONS, Recipe
from engine.assets.records import Asset, AssetDb, AssetRef, LeftOut, Texture2d
from engine.files import read_regular, reason_of, write_whole

Values = Mapping[str, str]
"""The values of an asset's fields by their names, such as `parameters.roughness`, as JSON texts."""

SUFFIX = ".records"
_FORMAT, _VERSION = "ogCache.records", 1
_MOST_BYTES = 1 << 20
_ASSET_BYTES = 8 << 10
_LONGEST = 120
_VALUE = text(2 * _LONGEST)


@dataclass(frozen=True, slots=True)
class Recorded:
    """The values of each asset when its database was cooked last, by its label; empty where nothing is known.

    `reason` says then why nothing is.
    """

    assets: Mapping[str, Values]
    reason: str = ""

    def find(self, asset: Asset) -> Values | None:
        """Return the values that an asset had, None for one that was not there."""
        return self.assets.get(_short(asset.label))

    def removed(self, db: AssetDb) -> list[str]:
        """Return the labels of assets that the text has no more."""
        now = {_short(asset.label) for asset in db.assets}
        return [label for label in self.assets if label not in now]


def record_path(cache: Path) -> Path:
    """Return the path of the file beside a cache."""
    return cache.with_name(cache.name + SUFFIX)


def note_records(db: AssetDb, recipes: Mapping[int, Recipe], cache: Path) -> None:
    """Write what a database that was cooked says, if that is not written already; nothing where it cannot be.

    `recipes` are those of its assets with data, by their indices.
    """
    path, digest = record_path(cache), _digest(db, recipes)
    try:
        if _checked(_content(path, len(db.assets)))[0] == digest:
            return
    except (OSError, StoredValueError):
        pass
    rows = {_short(asset.label): values_of(db, asset, recipes.get(asset.ref.index)) for asset in db.assets}
    body = json.dumps(rows, separators=(",", ":")).encode()
    head = {"format": _FORMAT, "version": _VERSION, "digest": digest, "crc": zlib.crc32(body)}
    with suppress(OSError):
        # not durable: a file that a power failure damages holds nothing
        write_whole(path, json.dumps(head).encode() + b"\n" + body, follow=False, durable=False)


def read_records(cache: Path, assets: int = MAX_ASSETS) -> Recorded:
    """Return what is recorded beside a cache of a database of so many assets, or why there is nothing."""
    path = record_path(cache)
    try:
        return Recorded(_rows(_checked(_content(path, assets))[1]))
    except FileNotFoundError:
        return Recorded({}, "it has not been cooked yet, or by an earlier Diorama")
    except OSError as error:
        return Recorded({}, f"'{path.name}' cannot be read: {reason_of(error)}")
    except StoredValueError as error:
        return Recorded({}, f"'{path.name}' {error}")


def _content(path: Path, assets: int) -> bytes:
    return read_regular(path, _MOST_BYTES + assets * _ASSET_BYTES, follow=False)


def _checked(content: bytes) -> tuple[str, bytes]:
    """Return the digest of the database and line 2. Raises StoredValueError."""
    line, _, body = content.partition(b"\n")
    head = _parsed(line)
    if not isinstance(head, dict) or head.get("format") != _FORMAT:
        raise StoredValueError("is damaged")
    if head.get("version") != _VERSION:
        raise StoredValueError("is of another version of Diorama")
    if head.get("crc") != zlib.crc32(body):
        raise StoredValueError("is damaged")
    return str(head.get("digest")), body


def _rows(body: bytes) -> dict[str, Values]:
    """Read line 2. Raises StoredValueError."""
    rows = _parsed(body)
    try:
        return {
            _VALUE(name): {_VALUE(key): _VALUE(one) for key, one in of.items()} for name, of in rows.items()
        }
    except (ValueError, AttributeError) as error:
        raise StoredValueError("is damaged") from error


def _parsed(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def values_of(db: AssetDb, asset: Asset, recipe: Recipe | None) -> dict[str, str]:
    """Return what the next cook or frame makes of a record: import parameters, or all fields without data.

    The names of parameters are those in recipes; how a texture is sampled is no parameter of its import.
    """
    if isinstance(asset, LeftOut):
        return {"text": '"wrong"'}
    if recipe is None:
        own = (name for name in _fields(type(asset)) if name not in ("ref", "name"))
        values: dict[str, Any] = {name: getattr(asset, name) for name in own}
    else:
        values = {"source": recipe.source, "importer": IMPORTER_VERSIONS[asset.type], **recipe.parameters}
    if isinstance(asset, Texture2d):
        values["sampling"] = asset.sampling
    return {key: text for name, value in values.items() for key, text in _flat(name, value, db)}


@cache
def _fields(kind: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def _flat(name: str, value: Any, db: AssetDb) -> Iterator[tuple[str, str]]:
    """Yield the parts of a value by their names; None and what is empty are left out."""
    if isinstance(value, Mapping):
        for key, child in value.items():
            yield from _flat(f"{name}.{key}", child, db)
    elif is_dataclass(value) and not isinstance(value, AssetRef):
        for field in _fields(value.__class__):
            yield from _flat(f"{name}.{field}", getattr(value, field), db)
    elif isinstance(value, tuple) and value and is_dataclass(value[0]) and not isinstance(value[0], AssetRef):
        for number, child in enumerate(value):
            yield from _flat(f"{name}.{number}", child, db)
    elif value not in (None, (), ""):
        yield _short(name), _short(_json(value, db))


def _json(value: Any, db: AssetDb) -> str:
    if isinstance(value, bool | int | float | str):
        return json.dumps(value)  # an encoder of its own, as below, takes ten times as long
    if isinstance(value, AssetRef | Path):
        return json.dumps(_plain(value, db))
    return json.dumps(value, default=lambda one: _plain(one, db))


def _plain(value: AssetRef | Path, db: AssetDb) -> str:
    if isinstance(value, AssetRef):
        return db[value].label
    return relative_name(value, db.root)


def _short(value: str) -> str:
    """Return a text that `_VALUE` takes: a longer one ends with its digest."""
    if len(value) <= _LONGEST and value.isascii() and "\0" not in value:
        return value
    content = value.encode("utf-8", "backslashreplace")
    shown = content.decode().replace("\0", "\N{REPLACEMENT CHARACTER}")
    if len(shown) <= _LONGEST:
        return shown
    return f"{shown[: _LONGEST - 20]}... #{hashlib.blake2b(content, digest_size=6).hexdigest()}"


def _digest(db: AssetDb, recipes: Mapping[int, Recipe]) -> str:
    """Return what differs between databases with other values."""
    found = hashlib.blake2b(digest_size=16)
    found.update(db.text.encode("utf-8", "surrogatepass"))
    for recipe in recipes.values():
        found.update(recipe.identity.encode())
    return found.hexdigest()
