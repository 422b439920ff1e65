"""The files of a scene: the given one and all that it includes, each read once."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from engine.assets.files import FileGate, FileRejectedError
from engine.assets.importers.models.model_files import MODEL_SUFFIXES, SKY_SUFFIXES, is_model, is_sky
from engine.assets.roots import data_root, display_path, project_root
from engine.files.signatures import Probed, signatures
from engine.humon import (
    Code,
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
    nearest,
    read,
    suggestion,
    text,
)
from engine.scene.models import ModelFile, model_document, sky_document

NO_MODELS: Mapping[Path, ModelFile] = {}
KNOWN_KEYS = ("version", "include", "assetDb", "tableau")

SCENE_SUFFIX = ".hu"

FORMAT_VERSION = 1
"""The newest supported `version` of a scene file."""

MAX_FILES = 1024
"""Files of one scene at most."""

MAX_LISTED = 10_000
"""Names in a folder among which that of a missing file is looked for."""


@dataclass(frozen=True)
class SceneFile:
    """One file of a scene, as it was read, or the text that was made around it; and the gate of its files.

    Of a model it has what its text was made of.
    """

    path: Path
    document: Document
    gate: FileGate
    model: ModelFile | None = None


class FileReader:
    """Reads a scene file and its includes, depth first: a file comes before the files that it includes.

    `is_whole` is whether all could be read. `probed` gets the other files that these follow from, as they
    were when they were looked for: those that could not be read, links to others, and what a model names.
    """

    def __init__(
        self,
        path: Path,
        problems: ProblemCollector,
        probed: Probed,
        sky: Path | None = None,
        models: Mapping[Path, ModelFile] = NO_MODELS,
    ) -> None:
        """`sky` is a picture that is the sky where the file is a model; it has a root of its own.

        `models` are earlier versions of model files, by the paths by which they are opened: what is wrong now
        is as it was.
        """
        self.path = Path(os.path.realpath(path))
        self._opened = Path(os.path.abspath(path))
        self._sky = None if sky is None or not is_model(self.path) else Path(os.path.abspath(sky))
        self.gate = FileGate(project_root(self.path))
        self.files: list[SceneFile] = []
        self.probed = probed
        self.is_whole = True
        self._problems = problems
        self._models = models
        self._done: set[Path] = set()

    def read_all(self) -> list[SceneFile]:
        """Read all files. Raises InputError if the first one cannot be read; others are left out."""
        try:
            first = self._first()
        except InputError as error:
            missing = [replace(problem, help=_nearest_file(self.path)) for problem in error.problems]
            raise (InputError(missing) if missing[0].code == Code.FILE_MISSING else error) from None
        try:
            self._read(first, [])
        except InputError as error:
            raise InputError([*self._problems.problems, *error.problems]) from None
        if self._sky is not None:
            file = Path(os.path.realpath(self._sky))
            if file != self._sky:
                self.probed |= signatures([self._sky])
            document = sky_document(file, self._sky)
            self.files.append(SceneFile(file, document, FileGate(project_root(file))))
        return self.files

    def _first(self) -> SceneFile:
        """Return the first file; if it is a model, with the text that is made around it."""
        if not is_model(self.path):
            name = display_path(self.path)
            try:
                return SceneFile(self.path, read(self.path, name, keep_first=True), self.gate)
            except InputError as error:
                if self.path.suffix.lower() == SCENE_SUFFIX or error.problems[0].code != Code.ENCODING:
                    raise
                models = ", ".join(MODEL_SUFFIXES)
                message = f"{self.path.name} is no scene and no model"
                hint = f"scenes end in {SCENE_SUFFIX}, models in {models}; pictures are named by an assetDb"
                if is_sky(self.path):
                    hint += f", or are the sky of a model: MODEL --sky {self.path.name}"
                raise InputError(Problem(Code.FILE_KIND, message, Position(name), help=hint)) from None
        earlier = self._models.get(self._opened)
        how = {"opened": self._opened, "sky": self._sky}
        document, scene = model_document(self.path, self.gate, self.probed, earlier=earlier, **how)
        self._problems.problems += scene.warnings
        return SceneFile(self.path, document, self.gate, scene.model)

    def _read(self, file: SceneFile, above: list[Path]) -> None:
        """Add a file and its includes. Raises InputError for one that is no scene, or a newer one."""
        self._done.add(file.path)
        root = expect(file.document.root, Kind.DICT)
        self._check_version(root)
        self._check_keys(root)
        self.files.append(file)
        self._problems.problems += file.document.repeated
        self.is_whole &= not any(node.key in ("assetDb", "include") for node in root.repeated)
        include = root.get("include")
        if include is None:
            return
        chain = [*above, file.path]
        for node in include if include.kind is Kind.LIST else [include]:
            with self._problems.catching():
                self._include(node, file.path.parent, chain)

    def _include(self, node: Node, folder: Path, chain: list[Path]) -> None:
        path = None
        try:
            found = signatures(self.gate.places(text(node), folder))
            self.probed |= {one: now for one, now in found.items() if one not in self._done}
            path = self.gate.resolve(text(node), folder)
            if path in chain:
                raise _cycle(node, [*chain[chain.index(path) :], path])
            if path in self._done:
                return
            if len(self.files) >= MAX_FILES:
                raise failure(
                    "include.count",
                    f"a scene has at most {MAX_FILES} files",
                    node,
                    "put several databases into one file",
                )
            self.gate.stamp(path)
            document = read(path, display_path(path), self.gate.root, keep_first=True)
            self._read(SceneFile(path, document, self.gate), chain)
        except FileRejectedError as error:
            self.is_whole = False
            help_text = error.help
            if path and error.code == Code.FILE_MISSING:
                help_text = _nearest_name(path, text(node)) or error.help
            raise failure(error.code, error.reason, node, help_text) from error
        except InputError:
            self.is_whole &= path in {file.path for file in self.files}  # one that includes itself
            raise

    def _check_keys(self, root: Node) -> None:
        for key, node in root.items():
            if key not in KNOWN_KEYS:
                message = f"a scene file has no '{key}'"
                hint = suggestion(key, KNOWN_KEYS)
                self._problems.add(root.document.problem("field.unknown", message, node, hint))
                self.is_whole &= nearest(key, KNOWN_KEYS) in (None, "version")
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


def check_sky(sky: Path, scenes: Sequence[Path]) -> None:
    """Check the file that was chosen as the sky of the models among scene files.

    Raises InputError: `scene.sky` where it is no picture of light by its name, or none of them is a model,
    `file.*` where it cannot be read.
    """
    place = Position(display_path(sky))
    if not is_sky(sky):
        message, hint = f"{sky.name} is no sky", f"the names of skies end in {', '.join(SKY_SUFFIXES)}"
        raise InputError(Problem("scene.sky", message, place, help=hint))
    if not any(map(is_model, scenes)):
        message = f"{sky.name} is the sky of no model: none is opened"
        hint = "a scene has a sky by a feature: { @type: skybox  asset: [DB SKY] }, with SKY an environment"
        raise InputError(Problem("scene.sky", message, place, help=hint))
    path = Path(os.path.realpath(sky))
    try:
        FileGate(path.parent).stamp(path)
    except FileRejectedError as error:
        near = _nearest_in(path.parent, path, is_sky) if error.code == Code.FILE_MISSING else None
        hint = error.help or "give the path of a picture"
        hint = hint if near is None else f"did you mean '{display_path(path.parent / near)}'?"
        raise InputError(Problem(error.code, error.reason, place, help=hint)) from None


def _nearest_file(path: Path) -> str:
    """Return the help for a missing file: the one with the nearest name in its folder, then in `scenes`."""
    for folder in (path.parent, path.parent / "scenes", data_root() / "scenes"):
        near = _nearest_in(folder, path, _is_scene)
        if near is not None:
            return f"did you mean '{display_path(folder / near)}'?"
    return "give the path of a scene file (.hu) or of a model (.glb, .gltf, .obj)"


def _nearest_name(path: Path, written: str) -> str:
    """Return the help for a missing include, as it is written; empty where its folder has none like it."""
    near = _nearest_in(path.parent, path, _is_scene)
    return f"did you mean '{written[: -len(path.name)]}{near}'?" if near is not None else ""


def _is_scene(path: Path) -> bool:
    return path.name.endswith(SCENE_SUFFIX) or is_model(path)


def _nearest_in(folder: Path, path: Path, is_wanted: Callable[[Path], bool]) -> str | None:
    """Return the file that is wanted, with the nearest name to that of `path`, of the first MAX_LISTED."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in islice(entries, MAX_LISTED)]
    except OSError:
        return None
    scenes = [name for name in names if is_wanted(Path(name))]
    stem = nearest(path.stem, [Path(name).stem for name in scenes])
    same = [name for name in scenes if Path(name).stem == stem]
    return nearest(path.name, same) or next(iter(same), None)


def _cycle(node: Node, chain: list[Path]) -> InputError:
    names = " -> ".join(display_path(path) for path in chain)
    return failure("include.cycle", f"files include each other: {names}", node, "remove one of the includes")
