"""Finds features, by module and by entry point, and keeps them by type name.

Features come from the modules of the `features` package, and from the entry point group `diorama.features`
of installed packages (a module, or a subclass of Feature). If a module fails to import, its features are
missing and one problem is reported; the program continues.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import pkgutil
import re
import sys
from collections.abc import Callable, ItemsView, Iterable, Iterator, Mapping, ValuesView
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from stat import S_ISREG
from traceback import walk_tb
from types import ModuleType
from typing import TYPE_CHECKING

from engine.feature.contract import Feature
from engine.feature.fault import RAISED, Raised
from engine.files import text_of
from engine.graph import DeclarationError, check, mapping
from engine.graph.passes import RESERVED
from engine.humon import Position, Problem, Severity, misspelt, nearest, suggestion
from engine.tableau.schema import FeatureSchema, FieldSpec

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

ENTRY_POINT_GROUP = "diorama.features"
PACKAGE = "features"
_SHADER = re.compile(r"[A-Za-z]\w*\.(vs|fs|cs)")
_TYPE_NAME = re.compile(r"""^[ \t]+type_name\b[^=\n]*=[ \t]*["'](\w+)["']""", re.MULTILINE)
"""How a class in the text of a module says its type name."""
LOAD = "feature.load"
NAME = "feature.name"
_SHADERS = "give the GLSL of each shader as text, by NAME.vs, NAME.fs or NAME.cs"


class Registry(Mapping[str, Feature]):
    """The known features by type name, in the order of their names.

    `problems` lists failures to load features, and names in their declarations that are probably misspelt, as
    warnings; `buffers` has the feature that fills each buffer of rows, by its name. `lost` has the problem of
    each feature that could not be loaded, by its type name, as far as that is known.
    """

    def __init__(self, features: Iterable[Feature] = ()) -> None:
        self._features: dict[str, Feature] = {}
        self._origins: dict[str, str] = {}
        self._ages: dict[str, int] = {}
        self.problems: list[Problem] = []
        self.lost: dict[str, Problem] = {}
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

        Raises ValueError when its type name is missing, or taken (the error names both origins), and for what
        it declares that is impossible, alone or beside the features before it.
        """
        name = feature.type_name
        origin = origin or type(feature).__module__
        if not name:
            raise ValueError(f"{type(feature).__qualname__} has no type_name")
        shaders = mapping(feature.shaders, "shaders")
        feature.check_declared()
        if name in self._features:
            raise DeclarationError(
                f"feature {name!r} is defined in {self._origins[name]} and in {origin}",
                "give it a name of its own",
            )
        for shader, text in shaders.items():
            if not isinstance(shader, str) or not _SHADER.fullmatch(shader):
                raise DeclarationError(
                    f"{name} of {origin} has a shader {shader!r}, not NAME.vs, NAME.fs or NAME.cs", _SHADERS
                )
            check(text, str, f"the shader {shader} of {name} of {origin}", _SHADERS)
        for buffer in feature.buffers:
            if buffer in RESERVED or buffer in self.buffers:
                other = self.buffers[buffer].type_name if buffer in self.buffers else "every pass"
                raise DeclarationError(
                    f"{name} of {origin} has the buffer {buffer!r}, as {other} has", "give it another name"
                )
        self._check_only_one(feature, origin)
        self._check_cycles(feature, origin)
        self._features = dict(sorted({**self._features, name: feature}.items()))
        self._origins[name] = origin
        self._ages[name] = max(self._ages.values(), default=-1) + 1
        self.buffers.update(dict.fromkeys(feature.buffers, feature))

    def _check_only_one(self, feature: Feature, origin: str) -> None:
        """Raise DeclarationError where a feature bends or morphs others, and one before it does."""
        for member in ("bends", "morphs"):
            for other in self.values() if getattr(feature, member) else ():
                if getattr(other, member):
                    raise DeclarationError(
                        f"{feature.type_name} of {origin} {member} others, as {other.type_name} of "
                        f"{self._origins[other.type_name]} does, and there is one such feature",
                        f"leave `{member}` out, and give these objects a {other.type_name} feature",
                    )

    def _check_cycles(self, feature: Feature, origin: str) -> None:
        """Raise DeclarationError where a feature closes a cycle of those that require or draw as others."""

        def drawn(of: Feature) -> Iterable[str]:
            return (of.draws_as,)

        def required(of: Feature) -> Iterable[str]:
            return of.requires

        for verb, member, others in (("draws as", "draws_as", drawn), ("requires", "requires", required)):
            way = self._way(feature.type_name, others(feature), others)
            if way:
                chain = f", which {verb} ".join(way)
                raise DeclarationError(
                    f"{feature.type_name} of {origin} {verb} {chain}", f"leave `{member}` out of one of them"
                )

    def _way(
        self, to: str, begin: Iterable[str], others: Callable[[Feature], Iterable[str]]
    ) -> tuple[str, ...]:
        """Return the names on a way from one of `begin` to a feature, by way of `others`; () without any."""
        ways: list[tuple[str, ...]] = [(name,) for name in begin]
        seen = set(begin)
        for way in ways:
            if way[-1] == to:
                return way
            after = self._features.get(way[-1])
            new = [name for name in others(after) if name not in seen] if after is not None else []
            seen.update(new)
            ways += [(*way, name) for name in new]
        return ()

    def register_module(self, module: ModuleType) -> None:
        """Add every feature that a module defines itself (not those it imports)."""
        for kind in _defined(module):
            self.register(kind(), module.__name__)

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
            self._load_module(importlib.import_module(module_name), module_name)
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
            origin = f"{point.name} = {point.value}"
            try:
                found = point.load()
            except RAISED as error:
                self._report(origin, error)
                continue
            if isinstance(found, ModuleType):
                self._load_module(found, origin)
            elif isinstance(found, type) and issubclass(found, Feature):
                self._load_class(found, point.value, origin)
            else:
                wrong = TypeError("an entry point of a feature names a module or a subclass of Feature")
                self._report(origin, wrong)

    def _load_module(self, module: ModuleType, origin: str) -> None:
        """Add the features that a module defines, but for those that cannot be added, which are reported."""
        for kind in _defined(module):
            self._load_class(kind, module.__name__, origin)

    def _load_class(self, kind: type[Feature], module: str, origin: str) -> None:
        """Add a feature, or report why it cannot be added."""
        try:
            self.register(kind(), module)
        except RAISED as error:
            self._report(origin, error, kind)

    def check_references(self) -> None:
        """Take out features that name others which are not there, or cannot be meant; each is reported.

        That is for when all features have been added. `conflicts` and `instead` may name features that are
        not installed: there a name is only reported that is nearly that of one which is.
        """
        while wrong := next(((one, fault) for one in self.values() for fault in self._faults(one)), None):
            feature, (problem, advice) = wrong
            name, origin = feature.type_name, self._origins[feature.type_name]
            self._features = {known: one for known, one in self._features.items() if one is not feature}
            self.buffers = {known: one for known, one in self.buffers.items() if one is not feature}
            del self._origins[name], self._ages[name]
            self._report(origin, DeclarationError(problem, advice), type(feature))
        self.problems += [problem for feature in self.values() for problem in self._doubts(feature)]

    def _doubts(self, feature: Feature) -> Iterator[Problem]:
        """Yield a warning for each name of a feature which need not be there, and is probably misspelt."""
        own = feature.type_name
        for member in ("conflicts", "instead"):
            for name in getattr(feature, member):
                if name in self or name in self.lost:
                    continue
                near = misspelt(name, [each for each in (*self, *self.lost) if each != own])
                if near is not None:
                    who = f"{own} of {self._origins[own]}"
                    yield Problem(
                        NAME,
                        f"{who} names {name} in `{member}`, and no feature is called so",
                        _defined_at(type(feature)),
                        help=f"did you mean '{near}'? Nothing follows from a name that no feature has",
                        severity=Severity.WARNING,
                    )

    def _faults(self, feature: Feature) -> Iterator[tuple[str, str]]:
        """Yield what is wrong with the features that a feature names, with a hint."""
        own = feature.type_name
        for verb, names in (
            ("requires", feature.requires),
            ("draws as", (feature.draws_as,) if feature.draws_as else ()),
            ("bends", feature.bends),
            ("morphs", feature.morphs),
        ):
            for name in names:
                if name in self.lost and name not in self:
                    yield f"{own} {verb} {name}, which could not be loaded", f"mend {name}, or leave it out"
                elif name not in self:
                    known = [each for each in self if each != own]
                    yield f"{own} {verb} {name}, and no feature is called so", suggestion(name, known)
                elif verb != "requires":
                    yield from self._drawing_faults(feature, verb, self[name])
        for name in feature.requires:
            for other in set(self[name].conflicts) & {own, *feature.requires} if name in self else ():
                yield (
                    f"{own} requires {name}, which conflicts with {other} on the same object",
                    "require features that can be on one object",
                )

    def _drawing_faults(self, feature: Feature, verb: str, other: Feature) -> Iterator[tuple[str, str]]:
        """Yield why what another feature draws cannot be drawn, bent or morphed, with a hint."""
        theirs, ours = other.schema.drawn_field, feature.schema.drawn_field
        if theirs is None:
            yield (
                f"{feature.type_name} {verb} {other.type_name}, which draws no asset",
                "name a feature with a field for an asset",
            )
        elif verb == "draws as" and ours is not None:
            for kind in sorted(set(theirs.asset_types) - set(ours.asset_types)):
                yield (
                    f"{feature.type_name} draws as {other.type_name}, whose asset may be of the type "
                    f"'{kind}', which its own field {ours.name} does not take",
                    f"let {ours.name} take that type, too, or draw as another feature",
                )

    def _report(self, origin: str, error: Raised, kind: type[Feature] | None = None) -> None:
        """Report why a feature, or all of an origin, could not be loaded."""
        help_text = error.help if isinstance(error, DeclarationError) else _field_help(error)
        why = text_of(error) if help_text else f"{type(error).__name__}: {text_of(error)}"
        advice = f"{help_text}; " if help_text else ""
        place = _raised_at(error, origin.rpartition(" ")[2].partition(":")[0])
        who = (
            f"the features of {origin}"
            if kind is None
            else f"the feature {kind.type_name or kind.__name__} of {origin}"
        )
        problem = Problem(
            LOAD,
            f"{who} could not be loaded: {why}",
            place or (_defined_at(kind) if kind is not None else None),
            help=f"{advice}the other features work; fix or uninstall this one",
            severity=Severity.WARNING,
        )
        self.problems.append(problem)
        for name in (kind.type_name,) if kind is not None else _meant_by(origin):
            if name and name not in self:
                self.lost.setdefault(name, problem)


def _field_help(error: Raised) -> str:
    """Return a hint for an error of a field that a feature declares; empty for another error."""
    modules = [frame.f_globals.get("__name__") for frame, _ in walk_tb(error.__traceback__)]
    is_of_field = isinstance(error, ValueError) and modules[-1:] == [FieldSpec.__module__]
    return f"declare the field otherwise: help({FieldSpec.__module__}) says how" if is_of_field else ""


def _meant_by(origin: str) -> Iterator[str]:
    """Yield the type names of features that could not be imported: what entry point and source call them."""
    point, equals, named = origin.rpartition(" = ")
    if equals:
        yield point
    top, *rest = named.partition(":")[0].split(".")
    with suppress(ImportError, ValueError, OSError):  # there is no such module, which is reported
        found = importlib.util.find_spec(top)  # imports nothing, as packages above it might raise
        if found is None or not found.has_location or found.origin is None:
            return
        place = Path(found.origin)
        place = place.parent if place.name == "__init__.py" else place
        place = place.joinpath(*rest)
        for file in sorted(place.glob("*.py")) if os.path.isdir(place) else [place.with_suffix(".py")]:
            yield from _TYPE_NAME.findall(file.read_bytes().decode("utf-8", "replace"))


def _defined(module: ModuleType) -> Iterator[type[Feature]]:
    """Yield the features that a module defines itself."""
    for value in list(vars(module).values()):
        if (
            isinstance(value, type)
            and issubclass(value, Feature)
            and value.__module__ == module.__name__
            and "type_name" in value.__dict__
        ):
            yield value


def _defined_at(kind: type[Feature]) -> Position | None:
    """Return where a class is defined, if its source is there."""
    with suppress(OSError, TypeError):
        return Position(inspect.getfile(kind), inspect.getsourcelines(kind)[1], 1)
    return None


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
    registry.check_references()
    return registry
