"""The diff of a database before it is cooked: whether each asset is as it was cooked last, and why not.

What has bytes is compared with its cache, what is read from the text alone with the records that were noted
beside the cache. Nothing is written.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from pathlib import Path

from engine.assets.cache.cache import CacheMissError, Entry, open_cache
from engine.assets.cache.freshness import check_cache, stamp_now, tool_identity
from engine.assets.cache.record_file import Recorded, read_records, values_of
from engine.assets.cook import cache_path
from engine.assets.files import FileGate, FileRejectedError
from engine.assets.problems import problem_from_json
from engine.assets.recipes import Recipe, recipes_of
from engine.assets.records import Asset, AssetDb, AssetRef, LeftOut
from engine.assets.roots import display_path
from engine.assets.updating.library_update import IN_ORDER
from engine.assets.updating.references import references_of
from engine.humon import Position, Problem

SAMPLING = "sampling."
"""How the fields of a texture's sampler begin: they change nothing of its bytes."""


class State(StrEnum):
    """How an asset is before the next cook; the first four are of those with data."""

    COOKED = "cooked"
    STALE = "stale"
    MISSING = "missing"
    BROKEN = "broken"
    SAME = "same"
    CHANGED = "changed"
    UNRECORDED = "unrecorded"


class Cause(StrEnum):
    """What makes an asset another than it was cooked."""

    ADDED = "added"
    SOURCE = "source"
    PARAMETERS = "parameters"
    CACHE = "cache"
    LAYOUT = "layout"
    RECORD = "record"
    PARTS = "parts"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field with the JSON texts of its values in the last cook and now; empty where it was or is unset."""

    field: str
    before: str
    now: str


@dataclass(frozen=True, slots=True)
class AssetState:
    """An asset: how it is, what makes it another than it was cooked, and what is made of it.

    `fields` are what is another in parameters and record, `reasons` say other causes in words. `parts` are
    what it is made of that is another itself, `dependants` all that is made of it, both as labels. `size` are
    the bytes in the cache, or those that cooking makes, where that is known. `problem` says what is wrong
    with a broken or missing one. `used` is None where no scene was given.
    """

    asset: Asset
    state: State
    causes: tuple[Cause, ...] = ()
    reasons: tuple[str, ...] = ()
    fields: tuple[FieldChange, ...] = ()
    parts: tuple[str, ...] = ()
    dependants: tuple[str, ...] = ()
    size: int = 0
    problem: Problem | None = None
    used: bool | None = None

    @property
    def is_listed(self) -> bool:
        """Whether a diff lists it: it is not as it was cooked, or cannot be drawn."""
        return bool(self.causes) or self.state in (State.STALE, State.MISSING, State.BROKEN)


@dataclass(frozen=True, slots=True)
class DatabaseStates:
    """All assets of a database in the order of its text, and the labels of those that the text has no more.

    `unrecorded` says why the records of the last cook are not known.
    """

    db: AssetDb
    assets: tuple[AssetState, ...]
    removed: tuple[str, ...] = ()
    unrecorded: str = ""


def states_of(
    db: AssetDb, used: Collection[AssetRef] | None = None, made: Mapping[str, Entry] | None = None
) -> DatabaseStates:
    """Return the state of each asset of a database; nothing is cooked.

    `made` are the results of stale assets that were cooked aside, by the identities of their recipes: with
    them the diff says which are broken, how large they become, and whether they keep their layout. Without,
    only what was broken in the last cook is known to be.
    """
    return _Comparison(db, made).run(used)


class _Comparison:
    """One database against its cache and its records."""

    def __init__(self, db: AssetDb, made: Mapping[str, Entry] | None) -> None:
        self._db = db
        self._made = made or {}
        self._recipes = recipes_of(db)
        self._gate = FileGate(db.root)
        distinct = {recipe.identity: recipe for recipe in self._recipes.values()}
        compiled = any(recipe.is_compiled for recipe in distinct.values())
        self._tool = tool_identity() if compiled else ""
        path = cache_path(db)
        found = check_cache(path, distinct, self._gate, self._tool)
        found.close()
        self._known = found.known
        self._before, self._unusable = _entries(path, len(distinct))
        self._recorded: Recorded = read_records(path, len(db.assets))
        self._alike: set[int] = set()  # stale ones that cooking makes the same bytes of

    def run(self, used: Collection[AssetRef] | None) -> DatabaseStates:
        """Compare all assets, what others are made of first."""
        states: dict[int, AssetState] = {}
        differing: set[int] = set()
        is_new = not (self._before or self._recorded.assets)
        for asset in sorted(self._db.assets, key=lambda one: IN_ORDER[one.type]):
            index = asset.ref.index
            state = self._own(asset)
            parts = [ref.index for ref in references_of(asset) if ref.index in differing]
            if parts and not is_new:
                is_fine = state.state in (State.SAME, State.UNRECORDED)
                state = replace(
                    state,
                    state=State.CHANGED if is_fine else state.state,
                    causes=(*state.causes, Cause.PARTS),
                    parts=tuple(self._labels(parts)),
                )
            if state.causes and index not in self._alike:
                differing.add(index)
            states[index] = replace(state, used=None if used is None else asset.ref in used)
        if not is_new:
            self._name_dependants(states)
        removed = tuple(self._recorded.removed(self._db))
        listed = tuple(states[index] for index in range(len(self._db.assets)))
        return DatabaseStates(self._db, listed, removed, self._recorded.reason)

    def _labels(self, indices: Iterable[int]) -> list[str]:
        return [self._db.assets[index].label for index in sorted(set(indices))]

    def _name_dependants(self, states: dict[int, AssetState]) -> None:
        """Give each asset that is another by itself the labels of all that is made of it."""
        users: dict[int, list[int]] = defaultdict(list)
        for asset in self._db.assets:
            for ref in references_of(asset):
                users[ref.index].append(asset.ref.index)
        for index, state in states.items():
            if index not in self._alike and set(state.causes) - {Cause.PARTS}:
                found: set[int] = set()
                todo = [index]
                while todo:
                    new = [each for each in users[todo.pop()] if each not in found]
                    found.update(new)
                    todo += new
                states[index] = replace(state, dependants=tuple(self._labels(found)))

    def _own(self, asset: Asset) -> AssetState:
        """Return how an asset is, whatever becomes of its parts."""
        recipe = self._recipes.get(asset.ref.index)
        if isinstance(asset, LeftOut):
            return AssetState(asset, State.BROKEN, problem=self._text_problem(asset))
        changed = self._changed_fields(asset, recipe)
        if recipe is not None:
            known = self._known.get(recipe.identity)
            if known is None:
                return self._stale(asset, recipe, changed)
            if known.failure:
                return AssetState(asset, State.BROKEN, problem=self._problem_of(known))
            fine, new = AssetState(asset, State.COOKED, size=known.size), "it is new; the cache has its bytes"
        else:
            state = State.SAME if self._recorded.assets else State.UNRECORDED
            fine, new = AssetState(asset, state), "it is new"
        if changed is None:
            return replace(fine, state=State.CHANGED, causes=(Cause.ADDED,), reasons=(new,))
        if not changed:
            return fine
        fields = tuple(one for one in changed if recipe is None or one.field.startswith(SAMPLING))
        causes = (Cause.RECORD,) if fields else ()
        state = State.CHANGED if fields else fine.state
        return replace(fine, state=state, causes=causes, fields=fields)

    def _changed_fields(self, asset: Asset, recipe: Recipe | None) -> tuple[FieldChange, ...] | None:
        """Return the fields that are others than in the last cook; None for an asset that was not there."""
        if not self._recorded.assets:
            return ()
        before = self._recorded.find(asset)
        if before is None:
            return None
        now = values_of(self._db, asset, recipe)
        names = [*now, *(name for name in before if name not in now)]
        both = ((name, before.get(name, ""), now.get(name, "")) for name in names)
        return tuple(FieldChange(*one) for one in both if one[1] != one[2])

    def _stale(self, asset: Asset, recipe: Recipe, changed: tuple[FieldChange, ...] | None) -> AssetState:
        """Return how an asset is that is not in the cache as it should be."""
        before, made = self._before.get(recipe.identity), self._made.get(recipe.identity)
        fields = changed or ()
        causes: list[Cause] = []
        reasons: list[str] = []
        if changed is None:
            causes.append(Cause.ADDED)
            reasons.append("it is new")
        if any(not one.field.startswith(SAMPLING) for one in fields):
            causes.append(Cause.PARAMETERS)
        if any(one.field.startswith(SAMPLING) for one in fields):
            causes.append(Cause.RECORD)
        if before is not None and (others := list(self._changed_sources(before))):
            causes.append(Cause.SOURCE)
            reasons += others
        elif not causes:
            causes.append(Cause.CACHE)
            reasons.append(self._why_not_in_cache(before))
        if made is not None and not made.failure:
            if before is None or (before.size, before.facts) != (made.size, made.facts):
                causes.append(Cause.LAYOUT)
            elif before.checksum == made.checksum:
                self._alike.add(asset.ref.index)
                reasons.append("it becomes the same bytes")
        state, problem = State.STALE, self._missing((recipe.source, *recipe.more))
        if problem is not None:
            state = State.MISSING
        elif made is not None and made.failure:
            state, problem = State.BROKEN, self._problem_of(made)
        elif made is None and before is not None and before.failure and Cause.SOURCE not in causes:
            state, problem = State.BROKEN, self._problem_of(before)
        size = made.size if made is not None else 0
        was_broken = before is not None and before.failure and Cause.SOURCE not in causes
        if was_broken and state in (State.BROKEN, State.MISSING):
            causes, reasons = [], []  # it was so in the last cook
        return AssetState(asset, state, tuple(causes), tuple(reasons), fields, size=size, problem=problem)

    def _changed_sources(self, before: Entry) -> Iterator[str]:
        """Yield what has become of the files that an entry was made of."""
        for stamp in before.sources:
            if stamp_now(stamp, self._gate) is None:
                gone = self._missing([Path(self._gate.locate(stamp.path))])
                yield f"'{stamp.path}' has changed" if gone is None else gone.message

    def _why_not_in_cache(self, before: Entry | None) -> str:
        if before is None:
            return self._unusable or "the cache does not have it"
        if before.failure:
            return "it is tried again"
        is_of_other = self._tool and before.tool not in ("", self._tool)
        return "the compiler is another" if is_of_other else "its bytes in the cache are damaged"

    def _missing(self, files: Iterable[Path]) -> Problem | None:
        for source in files:
            try:
                self._gate.stamp(source)
            except FileRejectedError as error:
                return Problem(error.code, error.reason, Position(display_path(source)), help=error.help)
        return None

    def _problem_of(self, entry: Entry) -> Problem:
        return problem_from_json(entry.failure[0], self._db.root)

    def _text_problem(self, asset: Asset) -> Problem | None:
        """Return what is wrong in the text of a record: the first problem between it and the next record."""
        return self._text_problems.get(asset.ref.index)

    @cached_property
    def _text_problems(self) -> Mapping[int, Problem]:
        nodes = self._db.document.root["assetDb"]["assets"]
        begins = [(node.position.line, node.position.column) for node in nodes]
        found: dict[int, Problem] = {}
        for problem in self._db.left_out:
            if (place := problem.position) is not None:
                found.setdefault(bisect_right(begins, (place.line, place.column)) - 1, problem)
        return found


def reachable(db: AssetDb, roots: Collection[AssetRef]) -> set[AssetRef]:
    """Return the assets of a database that some of its assets are made of, these included."""
    found: set[AssetRef] = set()
    todo = [ref for ref in roots if ref.db == db.id]
    while todo:
        ref = todo.pop()
        if ref not in found:
            found.add(ref)
            todo += references_of(db[ref])
    return found


def _entries(path: Path, assets: int) -> tuple[dict[str, Entry], str]:
    """Return the entries of a cache by identity, up to date or not; without one the reason in words."""
    try:
        image = open_cache(path, assets)
    except CacheMissError as error:
        is_missing = isinstance(error.__cause__, FileNotFoundError)
        return {}, "it has not been cooked" if is_missing else f"the cache cannot be used: {error}"
    try:
        return {entry.identity: entry for entry in image.entries}, ""
    finally:
        image.close()
