"""What was saved after it was read and before it was watched, as while other sources were cooked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from engine.assets.cache.freshness import stamp_now
from engine.assets.cook import CookedDb
from engine.assets.files import FileGate
from engine.assets.importers.models.model_files import is_text
from engine.assets.updating.asset_index import AssetIndex
from engine.files.signatures import Signature
from engine.humon import InputError
from engine.humon.encoding import decode
from engine.humon.files import read_bytes
from engine.scene.files import SceneFile


def saved_before(
    dbs: Iterable[CookedDb],
    indices: Mapping[str, AssetIndex],
    texts: Iterable[SceneFile],
    files: Mapping[Path, Signature],
) -> set[Path]:
    """Return the `files` whose content is not what `dbs` were cooked from, or what `texts` were read from.

    A source with the size and the time of then is not read.
    """
    found = {path for one in dbs for path in _sources(one, indices[one.db.name], files)}
    return found | {file.path for file in texts if is_text(file.path) and _differs(file)}


def _sources(cooked: CookedDb, index: AssetIndex, files: Mapping[Path, Signature]) -> Iterator[Path]:
    """Yield the sources of a database that have changed, and those that were not there and are now."""
    gate = FileGate(cooked.db.root)
    for stamp in {stamp for entry in cooked.entries.values() for stamp in entry.sources}:
        path = Path(gate.locate(stamp.path))
        now = files.get(path)
        is_same = now is None or (now.size, now.changed_ns) == (stamp.size, stamp.changed_ns)
        if not is_same and stamp_now(stamp, gate) is None:
            yield path
    for each, entry in cooked.entries.items():
        if entry.failure and not entry.sources:
            recipe = index.recipes[each]
            yield from (path for path in (recipe.source, *recipe.more) if files.get(path, Signature()).inode)


def _differs(file: SceneFile) -> bool:
    try:
        return decode(read_bytes(file.path, file.document.name), file.document.name) != file.document.text
    except InputError:
        return True
