"""Finds features, by module and by entry point, and keeps them by type name.

Features come from the modules of the `features` package, and from the entry point group `diorama.features`
of installed packages (a module, or a subclass of Feature). If a module fails to import, its features are
missing and one problem is reported; the program continues.
"""

from __future__ import annotations

import importlib
import inspect
import os
import pkgutil
import re
import sys
from collections.abc import ItemsView, Iterable, Iterator, Mapping, ValuesView
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from stat import S_ISREG
from traceback import walk_tb
from types import ModuleType
from typing import TYPE_CHECKING

from engine.feature.contract import Feature
from engine.feature.fault import RAISED, Raised
from engine.graph import DeclarationError, check, mapping
from engine.humon import Position, Problem, Severity, nearest
from engine.tableau.schema import FeatureSchema

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

ENTRY_POINT_GROUP = "diorama.features"
PACKAGE = "features"
_SHADER = re.compile(r"[A-Za-z]\w*\.(vs|fs|cs)")
_SHADERS = "give the GLSL of each shader as text, by NAME.vs, NAME.fs or NAME.cs"
RESERVED = frozenset({"frame", "instances", "draws", "materials"})
"""The names of what every pass gives its shaders."""


class Registry(Mapping[str, Feature]):
    """The known features by type name, in the order of their names.

    `problems` lists failures to load features, as warnings; `buffers` has the feature that fills each
    buffer of rows, by its name.
    """

    def __init__(self, features: Iterable[Feature] = ()) -> None:
        self._features: dict[str, Feature] = {}
        self._origins: dict[str, str] = {}
        self._ages: dict[str, int] = {}
        self.problems: list[Problem] = []
        self.buffers: dict[str, Feature] = {}
        for feature in features:
            self.register(feature)

    def __getitem__(self, type_name: str) -> Feature:
        return self._features[type_name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._features)

    def __len__(self) -> int:
        return len(self._features)

    def items(self) -> ItemsView[str, Feature]:
        """The features with their type names."""
        return self._features.items()

    def values(self) -> ValuesView[Feature]:
        """The features."""
        return self._features.values()

    def age(self, type_name: str) -> int:
        """Return the place of a feature in the order in which they came in: built-in ones before others."""
        return self._ages[type_name]

    def register(self, feature: Feature, origin: str = "") -> None:
        """Add a feature.

        Raises ValueError when its type name is missing, or taken: the error names both origins.
        """
        name = feature.type_name
        origin = origin or type(feature).__module__
        if not name:
            raise ValueError(f"{type(feature).__qualname__} has no type_name")
        if name in self._features:
            raise ValueError(f"feature {name!r} is defined in {self._origins[name]} and in {origin}")
        for shader, text in mapping(feature.shaders, "shaders").items():
            if not isinstance(shader, str) or not _SHADER.fullmatch(shader):
                raise DeclarationError(
                    f"{name} of {origin} has a shader {shader!r}, not NAME.vs, NAME.fs or NAME.cs", _SHADERS
                )
            check(text, str, f"the shader {shader} of {name} of {origin}", _SHADERS)
        for buffer in feature.buffers:
            if buffer in RESERVED or buffer in self.buffers:
                other = self.buffers[buffer].type_name if buffer in self.buffers else "every pass"
                raise ValueError(f"{name} of {origin} has the buffer {buffer!r}, as {other} has")
        self._features = dict(sorted({**self._features, name: feature}.items()))
        self._origins[name] = origin
        self._ages[name] = len(self._ages)
        self.buffers.update(dict.fromkeys(feature.buffers, feature))

    def register_module(self, module: ModuleType) -> None:
        """Add every feature that a module defines itself (not those it imports)."""
        for value in list(vars(module).values()):
            if (
                isinstance(value, type)
                and issubclass(value, Feature)
                and value.__module__ == module.__name__
                and "type_name" in value.__dict__
            ):
                self.register(value(), module.__name__)

    @property
    def asset_dbs(self) -> dict[Path, list[Feature]]:
        """The files of the databases that features bring along, each with its features."""
        found: dict[Path, list[Feature]] = {}
        for feature in self.values():
            if feature.asset_db:
                folder = Path(inspect.getfile(type(feature))).resolve().parent
                found.setdefault(folder / feature.asset_db, []).append(feature)
        return found

    def nearest(self, name: str) -> str | None:
        """The known type name that is most similar to `name`, None if none is similar."""
        return nearest(name, self._features)

    def origin(self, type_name: str) -> str:
        """The module that defines a feature."""
        return self._origins[type_name]

    def is_built_in(self, type_name: str) -> bool:
        """Whether a feature is one of the engine's own package."""
        return self._origins[type_name].partition(".")[0] == PACKAGE

    @property
    def schemas(self) -> tuple[FeatureSchema, ...]:
        """The schemas of all features, in the order of their names."""
        return tuple(self[name].schema for name in self)

    def load(self, module_name: str) -> None:
        """Import a module and add its features; a failure becomes a problem, never an exception."""
        try:
            self.register_module(importlib.import_module(module_name))
        except RAISED as error:
            self._report(module_name, error)

    def load_entry_points(self) -> None:
        """Add the features of installed packages, those first that were installed first.

        A failure becomes a problem, never an exception.
        """
        if not _installed_features():
            return
        from importlib.metadata import entry_points  # takes 20 ms, so only where there are any

        points = entry_points(group=ENTRY_POINT_GROUP)
        for point in sorted(points, key=lambda point: (_installed_at(point), point.name, point.value)):
            try:
                found = point.load()
                if isinstance(found, ModuleType):
                    self.register_module(found)
                elif isinstance(found, type) and issubclass(found, Feature):
                    self.register(found(), point.value)
                else:
                    raise TypeError("an entry point of a feature names a module or a subclass of Feature")
            except RAISED as error:
                self._report(f"{point.name} = {point.value}", error)

    def check_required(self) -> None:
        """Report features that require an unknown feature: no object could have them."""
        for name, feature in self.items():
            for required in feature.requires:
                if required not in self:
                    missing = LookupError(f"{name} requires {required}, which is unknown")
                    self._report(self._origins[name], missing)

    def _report(self, origin: str, error: Raised) -> None:
        is_declared = isinstance(error, DeclarationError)
        why = str(error) if is_declared else f"{type(error).__name__}: {error}"
        advice = f"{error.help}; " if isinstance(error, DeclarationError) else ""
        self.problems.append(
            Problem(
                "feature.load",
                f"the features of {origin} could not be loaded: {why}",
                _raised_at(error, origin.rpartition(" ")[2].partition(":")[0]),
                help=f"{advice}the other features work; fix or uninstall this one",
                severity=Severity.WARNING,
            )
        )


def _raised_at(error: Raised, module: str) -> Position | None:
    """Return the last place in the code of a module's package where an error was raised, if there is one."""
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        return Position(error.filename, error.lineno, max(error.offset or 1, 1))
    package = module.partition(".")[0]
    found = None
    for frame, line in walk_tb(error.__traceback__):
        if str(frame.f_globals.get("__name__", "")).partition(".")[0] == package:
            found = Position(frame.f_code.co_filename, line, 1)
    return found


def _installed_at(point: EntryPoint) -> int:
    """Return when the package of an entry point was installed, in nanoseconds; 0 where that is not known."""
    listed = (point.dist.files or ()) if point.dist is not None else ()
    for path in listed:
        if path.name == "entry_points.txt":
            with suppress(OSError):
                return os.stat(path.locate()).st_mtime_ns
    return 0


def _installed_features() -> bool:
    """Whether any installed package has the entry point group; True where only `importlib` can find out."""
    for folder in sys.path:
        if not os.path.isdir(folder or "."):
            if os.path.exists(folder):
                return True  # an archive
            continue
        with os.scandir(folder or ".") as entries:
            packages = [entry.path for entry in entries if entry.name.endswith((".dist-info", ".egg-info"))]
        for package in packages:
            points = os.path.abspath(os.path.join(package, "entry_points.txt"))
            with suppress(FileNotFoundError, NotADirectoryError):
                found = os.stat(points)
                if S_ISREG(found.st_mode) and _has_features(points, found.st_mtime_ns, found.st_size):
                    return True
    return False


@lru_cache(4096)
def _has_features(points: str, changed: int, size: int) -> bool:
    """Whether a file of entry points has the group; it is read again once it has `changed`."""
    return ENTRY_POINT_GROUP.encode() in Path(points).read_bytes()


def _modules(paths: Iterable[str], prefix: str) -> Iterator[str]:
    """Yield the names of the modules in these folders, and in the packages among them, without helpers."""
    for info in sorted(pkgutil.iter_modules(paths), key=lambda info: info.name):
        if not info.name.startswith("_"):
            yield prefix + info.name
            if info.ispkg:
                folders = [os.path.join(path, info.name) for path in paths]
                yield from _modules(folders, f"{prefix}{info.name}.")


def discover(package: str = PACKAGE) -> Registry:
    """Create a registry from the modules of `package` and the entry points of installed packages.

    Packages in it are searched, too. Modules whose names begin with an underscore are helpers and are
    skipped.
    """
    registry = Registry()
    for name in _modules(importlib.import_module(package).__path__, f"{package}."):
        registry.load(name)
    registry.load_entry_points()
    registry.check_required()
    return registry
