"""Requirements of the frame as a whole (attachments, rings, fallbacks), changed by their difference."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from engine.plan.requirements.requirements import Requirement, RequirementTable

Requests = Sequence[tuple[Requirement, tuple[int, ...]]]
"""Requirements, each with the ids of its requesters."""

Groups = dict[int, tuple[tuple[Requirement, ...], ...]]
"""The requirements of each requester, in groups that have the same requesters."""

MAX_KEPT = 4
"""Lists of requests whose groups are kept."""


class FrameRequests:
    """The requirements of passes and of other users of memory in one requirement table."""

    def __init__(self, table: RequirementTable) -> None:
        self.table = table
        self._requested: Groups = {}
        self._kept: deque[tuple[Requests, Groups]] = deque(maxlen=MAX_KEPT)

    def update(self, requested: Requests, more: Requests = ()) -> None:
        """Let the table have these requirements, each with the ids of its requesters, and no earlier ones.

        Only requesters whose requirements differ from those of the last call are removed or added, and the
        new ones first: a need that only changes its requesters stays as it is. Requesters of `more` are
        others; the last few `requested` are recognised as the same objects, which must not change.
        """
        now = self._grouped(requested) | _groups(more)
        before, self._requested = self._requested, now
        added = [requester for requester in now if requester not in before]
        differ = [
            requester for requester in now if requester in before and now[requester] != before[requester]
        ]
        self._add(added)
        gone = [*differ, *(requester for requester in before if requester not in now)]
        if gone:
            self.table.remove(gone)
        self._add(differ)

    def _grouped(self, requested: Requests) -> Groups:
        """Return the groups of requests, those of the same list as before where there was one."""
        for known, groups in self._kept:
            if known is requested:
                return groups
        groups = _groups(requested)
        self._kept.append((requested, groups))
        return groups

    def _add(self, requesters: Sequence[int]) -> None:
        numbers: list[int] = []
        ids: list[int] = []
        known: dict[int, list[int]] = {}  # by the identity of groups, which requesters share
        for requester in requesters:
            for group in self._requested[requester]:
                of_group = known.get(id(group))
                if of_group is None:
                    of_group = known[id(group)] = [self.table.number(each) for each in group]
                numbers += of_group
                ids += [requester] * len(of_group)
        if ids:
            self.table.add_requests(numbers, ids)


def _groups(requested: Requests) -> Groups:
    """Return the requirements of each requester."""
    together: dict[tuple[int, ...], list[Requirement]] = {}
    for requirement, requesters in requested:
        together.setdefault(requesters, []).append(requirement)
    found: Groups = {}
    for requesters, requirements in together.items():
        group = tuple(requirements)
        for requester in requesters:
            found[requester] = (*found.get(requester, ()), group)
    return found
