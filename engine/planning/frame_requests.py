"""Requirements of the frame as a whole (attachments, rings, fallbacks), changed by their difference."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.plan.requirements.requirements import Requirement, RequirementTable


class FrameRequests:
    """The requirements of passes and of other users of memory in one requirement table."""

    def __init__(self, table: RequirementTable) -> None:
        self.table = table
        self._requested: dict[int, tuple[tuple[Requirement, ...], ...]] = {}

    def update(self, requested: Iterable[tuple[Requirement, Sequence[int]]]) -> None:
        """Let the table have these requirements, each with the ids of its requesters, and no earlier ones.

        Only requesters whose requirements differ from those of the last call are removed or added, and the
        new ones first: a need that only changes its requesters stays as it is.
        """
        together: dict[tuple[int, ...], list[Requirement]] = {}
        for requirement, requesters in requested:
            together.setdefault(tuple(requesters), []).append(requirement)
        now: dict[int, tuple[tuple[Requirement, ...], ...]] = {}
        for requesters, requirements in together.items():
            group = tuple(requirements)
            for requester in requesters:
                now[requester] = (*now.get(requester, ()), group)
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
