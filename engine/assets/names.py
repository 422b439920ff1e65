"""Names of assets: valid names, uniqueness, and finding an asset by name or index."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.assets.codes import AssetCode
from engine.assets.files import folded
from engine.assets.limits import MAX_HINTS
from engine.assets.records import AssetDb, AssetRef, AssetType
from engine.humon import Node, failure, suggestion, text, with_article

BUILTIN = "builtin"
"""The name of Diorama's own database; its id is 0."""

_MOST_DIGITS = 12
"""More than an index has."""


class NameTable:
    """The names of the assets of one database, unique per type without regard to letter case."""

    def __init__(self, db_id: int) -> None:
        self._db_id = db_id
        self._refs: dict[tuple[AssetType, str], AssetRef] = {}
        self._folded: dict[tuple[AssetType, str], Node] = {}
        self._hints = 0
        self.types: list[AssetType | None] = []
        """By index; None for a type that is not known, of which `asked` has what its references want."""
        self.asked: dict[int, AssetType] = {}
        self.refs: list[AssetRef] = []

    def add(self, kind: AssetType | None, node: Node) -> None:
        """Add the next asset. Raises InputError for a name that is equal or too similar to another."""
        ref = AssetRef(self._db_id, len(self.types))
        self.refs.append(ref)
        self.types.append(kind)
        name_node = node.get("name")
        if kind is None or name_node is None:
            return
        name = checked_name(name_node)
        other = self._folded.setdefault((kind, folded(name)), name_node)
        if other is not name_node:
            how = "is" if other.text == name else "differs only by letter case or Unicode normal form from"
            message = f"the name '{name}' {how} that of another {kind.value} at {other.position}"
            raise failure(AssetCode.NAME, message, name_node, "names are unique per type")
        self._refs[kind, name] = ref

    def find(self, node: Node, kind: AssetType) -> AssetRef:
        """Return the asset that `node` names or indexes. Raises InputError `asset.reference`."""
        written = text(node)
        found = self._refs.get((kind, written))
        if found is not None:
            return found
        index = _index_in(written)
        if index is not None:
            return self._indexed(index, node, kind)
        message = f"the database has no {kind.value} named '{written}'"
        raise failure(AssetCode.REFERENCE, message, node, self._hint(written, kind))

    def _hint(self, written: str, kind: AssetType) -> str:
        self._hints += 1
        if self._hints > MAX_HINTS:
            return ""
        return suggestion(written, [name for other, name in self._refs if other is kind])

    def _indexed(self, index: int, node: Node, kind: AssetType) -> AssetRef:
        if index >= len(self.types):
            message = f"there is no asset {text(node):.40}: the database has {len(self.types)}"
            raise failure(
                AssetCode.REFERENCE,
                message,
                node,
                "assets are counted from 0; write the number or the name of one",
            )
        other = self.types[index] or self.asked.setdefault(index, kind)
        if other is not kind:
            raise failure(
                AssetCode.REFERENCE,
                f"asset {index} is {with_article(other.value)}, not {with_article(kind.value)}",
                node,
                self._hint(str(index), kind) or f"write the name of {with_article(kind.value)}",
            )
        return self.refs[index]


def checked_name(node: Node) -> str:
    """Return the name in a node. Raises InputError `asset.name` for an invalid one, such as only digits."""
    name = text(node)
    if not name or name.isdigit() or not name.isprintable() or len(name) > 255:
        raise failure(
            AssetCode.NAME, f"'{name[:40]}' cannot be a name", node, "use a word that is not a number"
        )
    return name


def _find_db(dbs: Sequence[AssetDb], db: str) -> AssetDb | None:
    found = next((item for item in dbs if item.name == db), None)
    number = _index_in(db)
    if found is None and number is not None:
        others = [item for item in dbs if item.name != BUILTIN]
        found = others[number] if number < len(others) else None
    return found


def _index_in(written: str) -> int | None:
    """Return the index that a text of digits is: of very many digits, one that is never reached."""
    if not (written.isascii() and written.isdigit()):
        return None
    digits = written.lstrip("0") or "0"
    return int(digits) if len(digits) <= _MOST_DIGITS else 10**_MOST_DIGITS


def find_asset(
    dbs: Iterable[AssetDb], db: str, asset: str | int, types: Sequence[str], *, hint: bool = True
) -> AssetRef:
    """Return the asset of a pair such as `[assetDb0 cube]` or `[assetDb0 0]`, of one of `types`.

    A database may be given by its name or by its index in `dbs` (the builtin one only by name). Raises
    KeyError with a message for users if there is none, with the nearest name if `hint` is set.
    """
    candidates = list(dbs)
    found = _find_db(candidates, db)
    if found is None:
        named = [item.name for item in candidates]
        advice = suggestion(db, named) or "include the file that has it: `include: [NAME.assets.hu]`"
        raise KeyError(f"there is no assetDb '{db:.40}'; {advice}")
    wanted = " or ".join(types) or "asset"
    index = asset if isinstance(asset, int) else _index_in(asset)
    if index is not None:
        if index >= len(found.assets):
            advice = "they are counted from 0; write the number or the name of one"
            raise KeyError(f"assetDb '{db}' has no asset {asset!s:.40}: it has {len(found.assets)}; {advice}")
        if types and found.assets[index].type not in types:
            kind = with_article(found.assets[index].type)
            advice = suggestion("", [row.name for row in found.assets if row.type in types and row.name])
            message = f"asset {index} of '{db}' is {kind}, not {with_article(wanted)}"
            raise KeyError(f"{message}; {advice or f'add {with_article(wanted)}'}")
        return found.assets[index].ref
    assert isinstance(asset, str)
    for kind in types or AssetType:
        if (kind, asset) in found.by_name:
            return found.by_name[kind, asset]
    message = f"assetDb '{db}' has no {wanted} named '{asset}'"
    alike = (
        suggestion(asset, [row.name for row in found.assets if row.type in types and row.name])
        if hint
        else ""
    )
    raise KeyError(f"{message}; {alike}" if alike else message)
