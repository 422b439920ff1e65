"""What passes name and is not there: images and buffers that nobody writes, passes that nobody declares."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from engine.graph import CompiledGraph, DrawOrder, DrawPass, Pass, PrimitivePass, RepeatedPass, stand_in_name
from engine.humon import Position, Problem, Severity, misspelt, suggestion, with_article
from engine.tableau import Tableau

UNWRITTEN = "pass.unwritten"
UNKNOWN = "pass.unknown"

FeaturesOf = Mapping[str, Sequence[str]]
"""The names of the features that take part in each pass, by its name."""


def features_of(passes: Mapping[str, Sequence[Pass]]) -> FeaturesOf:
    """Return which features declare each pass, or are drawn by it."""
    found: dict[str, list[str]] = {}
    for name, own in passes.items():
        for p in own:
            of = found.setdefault(p.name, [])
            of += [one for one in (name, getattr(p, "draws", name)) if one not in of]
    return found


class Unknown(NamedTuple):
    """What a pass of a feature names that is no pass, or none of the kind that is meant; with a hint."""

    feature: str
    what: str
    help: str


def unwritten(graph: CompiledGraph, features_of: FeaturesOf) -> Iterator[tuple[str, str, str]]:
    """Yield (feature, pass, image or buffer) for what passes read from stand-ins and should not."""
    for compiled in graph.passes:
        p, of = compiled.declaration, features_of.get(compiled.declaration.name, [""])
        read = [(one.image.name, one.optional) for one in p.reads]
        read += [(one.buffer.name, one.optional) for one in p.used_buffers()]
        for (name, is_optional), (_, bound) in zip(read, [*compiled.reads, *compiled.buffers], strict=True):
            if bound == stand_in_name(name) and not is_optional:
                yield of[0], p.name, name


def unknown(
    declared: Mapping[str, Sequence[Pass]],
    is_built_in: Callable[[str], bool],
    others: Callable[[], Mapping[str, Sequence[Pass]]],
) -> tuple[Unknown, ...]:
    """Return what passes of packages repeat, come before or after, or are drawn among, that is not there.

    `declared` are the passes of all features by their names. `others` are asked for where something is not:
    the passes of features that are switched off. What a pass comes before or after, or is drawn among, need
    not be there: there only a name counts that is nearly one of a pass.
    """
    there = {p.name: p for own in declared.values() for p in own}
    of_packages = {name: own for name, own in declared.items() if own and not is_built_in(name)}
    if all(_is_right(p, there) for own in of_packages.values() for p in own):
        return ()
    known = {p.name: p for own in others().values() for p in own} | there
    found = (one for feature, own in of_packages.items() for p in own for one in _faults(feature, p, known))
    return tuple(dict.fromkeys(found))


def _is_right(p: Pass, there: Mapping[str, Pass]) -> bool:
    """Whether all passes are there that a pass names."""
    is_repeated = not isinstance(p, RepeatedPass) or isinstance(there.get(p.repeats), DrawPass)
    return is_repeated and all(name in there for name in (*p.before, *p.after, *_among(p)))


def _among(p: Pass) -> tuple[str, ...]:
    """Return the pass that one is drawn among, if it is."""
    return (p.among,) if isinstance(p, PrimitivePass) and p.among else ()


def _faults(feature: str, p: Pass, known: Mapping[str, Pass]) -> Iterator[Unknown]:
    """Yield what a pass names that is none of the known ones, or cannot be repeated."""
    if isinstance(p, RepeatedPass) and not p.optional:
        other = known.get(p.repeats)
        what = f"the pass {p.name} of {feature} repeats '{p.repeats}'"
        draws = [name for name, one in known.items() if isinstance(one, DrawPass)]
        if other is None:
            advice = suggestion(p.repeats, draws)
            gap = " Where" if advice.endswith("?") else "; where"
            advice = f"{advice}{gap} it need not be there, declare the pass as optional"
            yield Unknown(feature, f"{what}, and no feature declares such a pass", advice)
        elif isinstance(other, RepeatedPass):
            advice = f"repeat '{other.repeats}'" if other.repeats in draws else suggestion("", draws)
            yield Unknown(feature, f"{what}, which repeats '{other.repeats}' itself", advice)
        elif not isinstance(other, DrawPass):
            kind = with_article(type(other).__name__)
            yield Unknown(feature, f"{what}, which is {kind}, not a DrawPass", suggestion("", draws))
    for member in ("before", "after"):
        for name in getattr(p, member):
            near = None if name in known else _near(name, known)
            if near is not None:
                what = f"the pass {p.name} of {feature} comes {member} '{name}', and no pass is called so"
                yield Unknown(feature, what, f"did you mean '{near}'? Names of no pass are ignored")
    sorting = [name for name, one in known.items() if _may_sort(one)]
    for name in _among(p):
        near = None if name in known else _near(name, sorting)
        if near is not None:
            what = f"the pass {p.name} of {feature} is drawn among '{name}', and no pass is called so"
            yield Unknown(feature, what, f"did you mean '{near}'? Parts are sorted among themselves now")


def _may_sort(p: Pass) -> bool:
    """Whether others may be drawn among what a pass draws."""
    return isinstance(p, RepeatedPass) or (isinstance(p, DrawPass) and p.order is DrawOrder.BACK_TO_FRONT)


def _near(name: str, known: Iterable[str]) -> str | None:
    """Return the pass that is probably meant; none that differs in its number alone, as the last of a row."""
    letters = _without_digits(name)
    return misspelt(name, [other for other in known if _without_digits(other) != letters])


def _without_digits(name: str) -> str:
    return "".join(letter for letter in name if not letter.isdecimal())


def unwritten_problem(tableau: Tableau, feature: str, p: str, read: str) -> Problem:
    """Return the warning of what a pass of a feature reads and nobody writes."""
    return Problem(
        UNWRITTEN,
        f"the pass {p} of {feature} reads {read}, which no pass of the frame writes",
        *_located(tableau, feature),
        help="it reads zeros: switch on what writes it, or declare the read as optional",
        severity=Severity.WARNING,
    )


def unknown_problem(tableau: Tableau, feature: str, what: str, help: str) -> Problem:
    """Return the warning of what a pass of a feature names that is not there."""
    return Problem(UNKNOWN, what, *_located(tableau, feature), help=help, severity=Severity.WARNING)


def _located(tableau: Tableau, feature: str) -> tuple[Position | None, str]:
    """Return the place of the first active row of a feature, with an excerpt."""
    table = tableau.tables.get(feature)
    rows = table.rows_active()[:1].tolist() if table is not None else []
    return table.located(rows[0]) if table is not None and rows else (None, "")
