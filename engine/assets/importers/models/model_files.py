"""Opens model files through the gate: each with its buffers, once for all parts that are made of it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from engine.assets.cache.cache import SourceStamp
from engine.assets.cache.stamps import source_stamp, unread_stamps
from engine.assets.files import FileGate, FileRejectedError
from engine.assets.roots import display_path
from engine.files.signatures import Probed, signatures
from engine.gltf import Gltf, Item, read_gltf
from engine.humon import InputError
from engine.obj import ObjFile, read_obj

GLTF_SUFFIXES = (".glb", ".gltf")
OBJ_SUFFIX = ".obj"
MODEL_SUFFIXES = (*GLTF_SUFFIXES, OBJ_SUFFIX)
"""The endings of the names of model files, in lower case."""

SKY_SUFFIXES = (".hdr", ".exr", ".ktx2", ".png")
"""The endings of the names of files that may be the sky around a model, in lower case."""


def is_model(source: Path) -> bool:
    """Whether a source is a model file by its name."""
    return source.suffix.lower() in MODEL_SUFFIXES


def is_sky(source: Path) -> bool:
    """Whether a source may be a sky by its name."""
    return source.suffix.lower() in SKY_SUFFIXES


def is_text(source: Path) -> bool:
    """Whether a file of a scene has its text, which is made around others: models and skies."""
    return not is_model(source) and not is_sky(source)


@dataclass(frozen=True, slots=True)
class OpenedModel:
    """A model file with all of its buffers, and the stamps of the file and of theirs.

    `unread` are the stamps of buffers that could not be read.
    """

    content: Gltf | ObjFile
    stamps: tuple[SourceStamp, ...]
    unread: tuple[SourceStamp, ...] = ()


def open_model(path: Path, gate: FileGate, probed: Probed | None = None) -> OpenedModel:
    """Open a model file and read its buffers; images and materials in files of their own are not read.

    `probed` gets the files of buffers as they were before. A buffer that cannot be read costs
    what is in it: its problem is raised where that is used. Raises FileRejectedError where the file itself
    cannot be read, InputError for what is in it.
    """
    content, stamp = gate.read(path)
    stamps, unread = [source_stamp(gate.relative(path), content, stamp)], list[Path]()
    if path.suffix.lower() == OBJ_SUFFIX:
        return OpenedModel(read_obj(content, display_path(path)), tuple(stamps))

    def read(name: str, place: Item) -> bytes:
        if probed is not None:
            probed.update(signatures(gate.places(name, path.parent)))
        try:
            buffer = gate.resolve(name, path.parent)
            found, its_stamp = gate.read(buffer)
        except FileRejectedError as error:
            unread.extend(gate.places(name, path.parent))
            raise place.failure(error.code, error.reason, error.help) from error
        if place.path[:1] == ("buffers",):
            named = gate.named(name, path.parent, buffer)
            stamps.append(source_stamp(gate.relative(named), found, its_stamp))
        return found

    gltf = read_gltf(content, display_path(path), read)
    for each in gltf.array("buffers"):
        with contextlib.suppress(InputError):
            gltf.buffer(each)
    return OpenedModel(gltf, tuple(stamps), unread_stamps(unread, gate))


class ModelFiles:
    """The model files of one cook, each opened once, by whichever worker needs it first."""

    def __init__(self, gate: FileGate) -> None:
        self._gate = gate
        self._lock = Lock()
        self._opened: dict[Path, OpenedModel | FileRejectedError | InputError] = {}
        self._locks: dict[Path, Lock] = {}

    def open(self, path: Path) -> OpenedModel:
        """Return the opened file; raises as `open_model`, the same for all who need it."""
        with self._lock:
            lock = self._locks.setdefault(path, Lock())
        with lock:
            found = self._opened.get(path)
            if found is None:
                try:
                    found = open_model(path, self._gate)
                except (FileRejectedError, InputError) as error:
                    found = error
                self._opened[path] = found
        if isinstance(found, OpenedModel):
            return found
        raise found
