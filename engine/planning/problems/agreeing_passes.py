"""Which features declare passes that make a frame together, in this one and where more has rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from engine.feature.fault import RAISED, Raised
from engine.graph import GraphError, Pass, PrimitivePass, ordered

Declared = Mapping[str, Sequence[Pass]]
"""The passes of each feature."""


def agreeing(
    passes: Declared,
    age_of: Callable[[str], int],
    compile: Callable[[Declared], object],
    switch_off: Callable[[str, Raised], None],
) -> list[str]:
    """Return the features whose passes `compile` together; `switch_off` is called for others, with the cause.

    Of features that contradict each other the last to come is at fault, the one with the highest age; but a
    feature whose pass is drawn among others, and contradicts them by what it says itself, is that whatever
    comes after it.
    """
    kept: dict[str, Sequence[Pass]] = {}
    for name in sorted(passes, key=age_of):
        kept[name] = passes[name]
        while name in kept:
            try:
                compile(kept)
            except RAISED as error:
                names = error.at_fault if isinstance(error, GraphError) else ()
                declaring = [one for one, own in kept.items() if any(p.name in names for p in own)]
                wrong = max(declaring, key=age_of, default=name)
                del kept[wrong]
                switch_off(wrong, error)
            else:
                break
    return list(kept)


def one_of_each(passes: Declared) -> list[Pass]:
    """Return the passes of features, one of each name: several features may take part in one.

    Raises GraphError for two that differ.
    """
    by_name: dict[str, Pass] = {}
    for p in (p for own in passes.values() for p in own):
        if by_name.setdefault(p.name, p) != p:
            raise GraphError(f"there is another pass {p.name}", "give it a name of its own")
    return list(by_name.values())


def lacks_hosts(declared: Declared) -> bool:
    """Whether a pass is drawn among one that none of these features declares."""
    passes = [p for own in declared.values() for p in own]
    among = {p.among for p in passes if isinstance(p, PrimitivePass)}
    return not among.issubset(("", *(p.name for p in passes)))


@dataclass(frozen=True)
class KnownPasses:
    """Passes by their names, also of what is not in the frame, and the names of those that are built in."""

    by_name: Mapping[str, Pass] = field(default_factory=dict)
    built_in: frozenset[str] = frozenset()

    @classmethod
    def of(cls, declared: Declared, is_built_in: Callable[[str], bool]) -> KnownPasses:
        """Return what the passes of these features are."""
        by_name = {p.name: p for own in declared.values() for p in own}
        built_in = (p.name for name, own in declared.items() if is_built_in(name) for p in own)
        return cls(by_name, frozenset(built_in))

    def check_absent_hosts(self, passes: Sequence[Pass]) -> None:
        """Raise GraphError where passes would contradict those that they are drawn among, if these had rows.

        So that a feature does not work in one scene and fail in another one. What a host reads and wishes
        itself makes no difference here, as a feature is not at fault for what its host does.
        """
        absent = dict.fromkeys(self._absent_hosts(passes))
        if absent:
            ordered([*passes, *absent], self.built_in)

    def _absent_hosts(self, passes: Sequence[Pass]) -> Iterator[Pass]:
        there = {p.name for p in passes}
        for p in passes:
            host = self.by_name.get(p.among) if isinstance(p, PrimitivePass) else None
            if host is not None and host.name not in there:
                yield replace(host, reads=(), cubes=(), buffers=(), after=(), before=())
