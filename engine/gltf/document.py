"""An opened glTF file: its JSON, its buffers and their views, and what it needs that is not supported."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from threading import local
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote, unquote_to_bytes

from engine.gltf.codes import GltfCode
from engine.gltf.container import Container, read_container
from engine.gltf.extensions import check_extensions
from engine.gltf.item import Item
from engine.gltf.json_places import Places, pointer_of
from engine.gltf.limits import MAX_JSON_BYTES, MAX_JSON_VALUES, MAX_SOUGHT
from engine.humon import InputError, Position, Problem, Severity, excerpt_of
from engine.humon.json_text import JsonError, read_json

if TYPE_CHECKING:
    from engine.gltf.nodes import Nodes

OpenFile = Callable[[str, Item], "bytes | memoryview"]
"""Returns the bytes of the file that a relative URI names; raises InputError at the item."""

T = TypeVar("T")

_DATA = "data:"
_VERSION = re.compile(r"([0-9]{1,9})(?:\.([0-9]{1,9}))?")
_READ = (2, 0)
"""The version of glTF that is read: major and minor."""

_TAB_COLUMNS = 4
_MAX_REPEATED = 100
"""Most repeated keys, and most names that are none, that a file is searched for."""

LIMITED = "divide the model into several files"
EXPORT = "export the model again: the file does not follow glTF 2.0"
"""Hints for problems without one of their own."""


@dataclass(slots=True)
class Notes:
    """Warnings of what was read; `faults` are those of values that are wrong, and were read as if absent."""

    warnings: list[Problem] = field(default_factory=list)
    faults: list[Problem] = field(default_factory=list)


class Gltf:
    """A glTF file. Buffers are read when they are used first, and kept; views of them copy nothing.

    `root` is the JSON; `warnings` grows with what is read, but for what is read in `noting`. `name` is the
    file's name in messages. `nodes` are kept by `read_nodes`.
    """

    def __init__(self, container: Container, text: str, value: Any, name: str, open_file: OpenFile) -> None:
        self.name = name
        self.root = Item(self, value)
        self._notes = Notes()
        self._notes_here = local()
        self._container = container
        self._text = text
        self._open_file = open_file
        self.nodes: Nodes | None = None
        self._places = Places(text)
        self._sought = 0
        self._buffers: dict[int, memoryview | InputError] = {}
        self._decoded: dict[int, memoryview] = {}

    @cached_property
    def joints(self) -> Mapping[int, int]:
        """How many joints bend each skinned mesh, by its number: of several skins the fewest."""
        found: dict[int, int] = {}
        skins = self._plain("skins")
        for node in self._plain("nodes"):
            mesh, skin = node.get("mesh"), node.get("skin")
            if type(mesh) is int and type(skin) is int and 0 <= skin < len(skins):
                joints = skins[skin].get("joints")
                count = len(joints) if isinstance(joints, list) else 0
                found[mesh] = min(count, found.get(mesh, count))
        return found

    def _plain(self, name: str) -> list[Mapping[str, Any]]:
        """Return the elements of an array of the root as they are; an empty one for what is no object."""
        values = self.root.value.get(name) if isinstance(self.root.value, dict) else None
        return [one if isinstance(one, dict) else {} for one in (values if isinstance(values, list) else ())]

    def problem(
        self, code: str, message: str, node: Item, help: str = "", severity: Severity = Severity.ERROR
    ) -> Problem:
        """Return a problem at an item of the JSON.

        Looking for its place takes time in a long text; of very many problems, the later ones have none.
        """
        advice = help or (LIMITED if code == GltfCode.LIMIT else EXPORT)
        if self._sought > MAX_SOUGHT:
            message = f"{message} (at {pointer_of(node.path)})"
            return Problem(code, message, Position(self.name), "", advice, severity)
        offset = self._places.offset_of(node.path)
        self._sought += offset
        byte = self._container.text_start + len(self._text[:offset].encode())
        message = f"{message} (at {pointer_of(node.path)}, byte {byte})"
        if self._container.is_binary:
            return Problem(code, message, Position(self.name), "", advice, severity)
        return Problem(code, message, *_place(self._text, offset, self.name), advice, severity)

    @property
    def notes(self) -> Notes:
        """The notes that this thread adds to: those of the file, or of the part that it reads (`noting`)."""
        found: Notes = getattr(self._notes_here, "found", self._notes)
        return found

    @property
    def warnings(self) -> list[Problem]:
        """The warnings of the file."""
        return self._notes.warnings

    def warn(self, problem: Problem) -> None:
        """Add a problem to the warnings."""
        self.notes.warnings.append(replace(problem, severity=Severity.WARNING))

    @contextmanager
    def noting(self) -> Iterator[Notes]:
        """Yield the notes of what this thread reads in the block: those of one part, not of the file."""
        before = self.notes
        self._notes_here.found = found = Notes()
        try:
            yield found
        finally:
            self._notes_here.found = before

    def attempt(self, read: Callable[[], T], default: T) -> T:
        """Return what is read; of what is wrong a default, with its problems among warnings and faults."""
        try:
            return read()
        except InputError as error:
            for problem in error.problems:
                self.warn(problem)
            self.notes.faults += error.problems
            return default

    def at(self, pointer: str) -> Item:
        """Return the item that a JSON pointer names. Raises InputError `gltf.reference`."""
        item = self.root
        for step in pointer.split("/")[1:]:
            if isinstance(item.value, list):
                if not _is_index(step) or int(step) >= len(item.value):
                    count = len(item.value)
                    has = f"it has {count} elements here" if count else f"the file has 0 {item.path[-1]}"
                    raise item.failure(GltfCode.REFERENCE, f"there is no {pointer} in the file: {has}")
                item = item.element(int(step))
            else:
                child = item.get(step)
                if child is None:
                    lacks = "" if item.path else f": the file has 0 {step}"
                    raise item.failure(GltfCode.REFERENCE, f"there is no {pointer} in the file{lacks}")
                item = child
        return item

    def array(self, name: str, limit: int | None = None) -> list[Item]:
        """Return the elements of an array of the root, none where it is absent."""
        return self.root.children(name, limit)

    def file(self, uri: Item) -> bytes | memoryview:
        """Return the bytes that a URI names: those of a data URI, or of a file beside this one."""
        text = uri.text()
        if text[: len(_DATA)].lower() != _DATA:
            return self._open_file(decoded_uri(text), uri)
        head, comma, body = text.partition(",")
        if not comma:
            raise uri.failure(GltfCode.BUFFER, "the data URI has no comma before its data")
        try:
            if not head.endswith(";base64"):
                return unquote_to_bytes(body)
            return base64.b64decode(body, validate=True)
        except (binascii.Error, ValueError) as error:
            raise uri.failure(GltfCode.BUFFER, "the data URI has no data in base64") from error

    def buffer(self, item: Item) -> memoryview:
        """Return the bytes of an element of `buffers`. Raises InputError, each time the same."""
        found = self._buffers.get(item.index)
        if found is None:
            try:
                found = self._read_buffer(item)
            except InputError as error:
                found = error
            self._buffers[item.index] = found
        if isinstance(found, InputError):
            raise found
        return found

    def part(self, holder: Item) -> memoryview:
        """Return the part of a buffer that `buffer`, `byteOffset` and `byteLength` of an object name."""
        buffer = holder.required("buffer").reference("buffers")
        data = self.buffer(buffer)
        offset = holder.get("byteOffset")
        start = 0 if offset is None else offset.integer()
        length = holder.required("byteLength").integer(1)
        if start + length > len(data):
            message = f"bytes {start} to {start + length} are outside of the buffer, which has {len(data)}"
            raise holder.failure(GltfCode.BUFFER, message)
        return data[start : start + length]

    def view(self, item: Item) -> memoryview:
        """Return the bytes of an element of `bufferViews`; what is compressed is decompressed once."""
        if not self.is_decoded(item):
            return self.part(item)
        if item.index not in self._decoded:
            from engine.gltf.compressed import meshopt_view

            self._decoded[item.index] = meshopt_view(item)
        return self._decoded[item.index]

    def is_decoded(self, item: Item) -> bool:
        """Whether the bytes of an element of `bufferViews` are decompressed ones, which begin at 0."""
        return item.extension("EXT_meshopt_compression") is not None

    def _read_buffer(self, item: Item) -> memoryview:
        length = item.required("byteLength").integer(1)
        uri = item.get("uri")
        if uri is not None:
            data = memoryview(self.file(uri))
        elif item.index == 0 and self._container.binary is not None:
            data = self._container.binary
        else:
            message = "the buffer has no 'uri', and there is no binary chunk for it"
            raise item.failure(GltfCode.BUFFER, message, "export the model again, as one .glb")
        if len(data) < length:
            message = f"the buffer has {len(data)} bytes; its byteLength is {length}"
            raise item.failure(GltfCode.BUFFER, message, "the file may have been cut off: copy it again")
        return data[:length]


def decoded_uri(uri: str) -> str:
    """Return the path that a relative URI names."""
    return unquote(uri)


def _is_index(step: str) -> bool:
    return step.isascii() and step.isdigit() and len(step) < 10


def read_gltf(data: bytes | memoryview, name: str, open_file: OpenFile) -> Gltf:
    """Open a `.gltf` or `.glb`; `data` must not change while it is used.

    Raises InputError: `gltf.container`, `gltf.json`, `gltf.version`, `gltf.extension`, `gltf.limit`.
    """
    container = read_container(data, name)
    if len(container.text) > MAX_JSON_BYTES:
        message = f"the JSON has {len(container.text)} bytes; at most {MAX_JSON_BYTES} are read"
        raise InputError(Problem(GltfCode.LIMIT, message, Position(name), help=LIMITED))
    try:
        text = str(container.text, "utf-8")
    except UnicodeDecodeError as error:
        message = f"the JSON is no UTF-8 at byte {container.text_start + error.start}"
        raise InputError(Problem(GltfCode.JSON, message, Position(name), help=EXPORT)) from error
    if sum(map(text.count, "[{,")) > MAX_JSON_VALUES:
        message = f"the JSON has more than {MAX_JSON_VALUES} values"
        raise InputError(Problem(GltfCode.LIMIT, message, Position(name), help=LIMITED))
    repeated: list[tuple[dict[str, Any], str]] = []
    value = _parsed(text, container, name, repeated)
    document = Gltf(container, text, value, name, open_file)
    _check_version(document.root.required("asset"))
    check_extensions(document.root)
    _warn_of_repeated(document.root, repeated)
    _warn_of_names(document.root)
    return document


def _check_version(asset: Item) -> None:
    """Raise `gltf.version` where a file needs another version: `minVersion`, else that of `version`.

    Of the latter the major number decides (glTF 2.0, 3.2).
    """
    version, least = asset.required("version"), asset.get("minVersion")
    needed = version if least is None else least
    found = _VERSION.match(needed.text())
    if found is None:
        message = f"'{needed.text()[:40]}' is no version of glTF, as 2.0 is one"
        raise needed.failure(GltfCode.VERSION, message)
    major, minor = int(found[1]), int(found[2] or 0)
    if major != _READ[0] or (least is not None and minor > _READ[1]):
        what = "is of" if least is None else "needs"
        message = f"the file {what} version {needed.text()} of glTF"
        raise needed.failure(GltfCode.VERSION, message, "version 2.0 is read: export the model again")


def _parsed(text: str, container: Container, name: str, repeated: list[tuple[dict[str, Any], str]]) -> Any:
    """Return the value of a JSON text, and in `repeated` the objects in which a key stands twice."""

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs) and len(repeated) < _MAX_REPEATED:
            keys = [key for key, _ in pairs]
            repeated.append((found, next(key for at, key in enumerate(keys) if key in keys[:at])))
        return found

    try:
        return read_json(text, members)
    except JsonError as error:
        message, position, excerpt = f"the JSON is damaged: {error.reason}", Position(name), ""
        if error.offset is not None:
            message += f" (byte {container.text_start + len(text[: error.offset].encode())})"
            if not container.is_binary:
                position, excerpt = _place(text, error.offset, name)
    raise InputError(Problem(GltfCode.JSON, message, position, excerpt, "export the model again"))


def _place(text: str, offset: int, name: str) -> tuple[Position, str]:
    """Return where in its file an offset in a text is, and the excerpt of that line."""
    start = text.rfind("\n", 0, offset) + 1
    end = text.find("\n", offset)
    line = text[start : end if end >= 0 else len(text)]
    column = 1 + offset - start + (_TAB_COLUMNS - 1) * line.count("\t", 0, offset - start)
    return Position(name, text.count("\n", 0, start) + 1, column), excerpt_of(line, offset - start)


def _warn_of_repeated(root: Item, repeated: list[tuple[dict[str, Any], str]]) -> None:
    """Warn of keys that stand twice in an object; their last values are read, as programs do."""
    keys = {id(found): key for found, key in repeated}
    todo = [root] if keys else []
    while todo:
        item = todo.pop()
        if isinstance(item.value, dict):
            if id(item.value) in keys:
                key = keys[id(item.value)]
                place = item.required(key)
                place.warn(GltfCode.JSON, f"'{key}' stands twice in this object; the last one is read")
            todo += [child for _, child in item.members()]
        elif isinstance(item.value, list):
            todo += item.elements()


def _warn_of_names(root: Item) -> None:
    """Warn of names that are no strings, in whose place others are made; of very many, of the first."""
    count = 0
    for key, elements in root.members():
        for at, value in enumerate(elements.value if isinstance(elements.value, list) else ()):
            given = value.get("name", "") if isinstance(value, dict) else ""
            if not isinstance(given, str) and count < _MAX_REPEATED:
                count += 1
                name = Item(root.document, given, (key, at, "name"))
                name.warn(GltfCode.VALUE, "a name is a string; this one is left out")
