"""The files of a scene: the given one and all that it includes, each read once."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from engine.assets.files import FileGate, FileRejectedError
from engine.assets.roots import display_path, project_root
from engine.humon import (
    Document,
    InputError,
    Kind,
    Node,
    Position,
    Problem,
    ProblemCollector,
    expect,
    failure,
    integer,
    read,
    suggestion,
    text,
)
from engine.scene.limits import FORMAT_VERSION, MAX_FILES

KNOWN_KEYS = ("version", "include", "assetDb", "tableau")


@dataclass(frozen=True)
class SceneFile:
    """One file of a scene, as it was read."""

    path: Path
    document: Document


class FileReader:
    """Reads a scene file and its includes, depth first: a file comes before the files that it includes."""

    def __init__(self, path: Path, problems: ProblemCollector) -> None:
        self.path = Path(os.path.realpath(path))
        self.gate = FileGate(project_root(self.path))
        self.files: list[SceneFile] = []
        self._problems = problems
        self._done: set[Path] = set()

    def read_all(self) -> list[SceneFile]:
        """Read all files. Raises InputError if the first file cannot be read."""
        self._read(SceneFile(self.path, read(self.path, display_path(self.path))), [])
        return self.files

    def _read(self, file: SceneFile, above: list[Path]) -> None:
        self._done.add(file.path)
        self.files.append(file)
        root = file.document.root
        with self._problems.catching():
            expect(root, Kind.DICT)
            self._check_keys(root)
            self._check_version(root)
        include = root.get("include")
        if include is None:
            return
        chain = [*above, file.path]
        for node in include if include.kind is Kind.LIST else [include]:
            with self._problems.catching():
                self._include(node, file.path.parent, chain)

    def _include(self, node: Node, folder: Path, chain: list[Path]) -> None:
        try:
            path = self.gate.resolve(text(node), folder)
            if path in chain:
                raise _cycle(node, [*chain[chain.index(path) :], path])
            if path in self._done:
                return
            if len(self.files) >= MAX_FILES:
                raise failure("include.count", f"a scene has at most {MAX_FILES} files", node)
            self.gate.stamp(path)
        except FileRejectedError as error:
            raise failure(error.code, error.reason, node, error.help) from error
        self._read(SceneFile(path, read(path, display_path(path))), chain)

    def _check_keys(self, root: Node) -> None:
        for key, node in root.items():
            if key not in KNOWN_KEYS:
                message = f"a scene file has no '{key}'"
                hint = suggestion(key, KNOWN_KEYS)
                self._problems.add(root.document.problem("field.unknown", message, node, hint))
        if "assetDb" not in root and "tableau" not in root and "include" not in root:
            message = "the file has no assetDb, no tableau and no include"
            name = root.document.name
            raise InputError(Problem("scene.empty", message, Position(name), help="add `tableau: { ... }`"))

    def _check_version(self, root: Node) -> None:
        node = root.get("version")
        if node is not None and integer(node, 1) > FORMAT_VERSION:
            raise failure(
                "scene.version",
                f"the file has format version {text(node)}; this program supports up to {FORMAT_VERSION}",
                node,
                "open it with a newer Diorama; the file was not changed",
            )


def _cycle(node: Node, chain: list[Path]) -> InputError:
    names = " -> ".join(display_path(path) for path in chain)
    return failure("include.cycle", f"files include each other: {names}", node, "remove one of the includes")
