"""What was done to a scene, to be undone and done again, within a bounded number of bytes."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

MAX_BYTES = 64 << 20
"""Bytes that all changes take together; the oldest are forgotten."""

MAX_EDITS = 10_000
EDIT_BYTES = 500
"""About what a change takes besides its arrays."""


class EditError(Exception):
    """A change that is impossible, in words for users: nothing was changed."""


class Edit(Protocol):
    """A change that was done; `label` says what it is, as menus write it: "Rename cube"."""

    label: str

    @property
    def nbytes(self) -> int:
        """About how many bytes it takes."""

    def undo(self) -> None:
        """Undo it. Raises EditError, and does nothing then, where others have made that impossible."""

    def redo(self) -> None:
        """Do it again. Raises EditError as `undo` does."""

    def absorb(self, later: Edit) -> bool:
        """Take a later change of the same values into this one; False if it is another."""

    def forget(self) -> None:
        """Release what it holds: it will neither be undone nor done again."""


@dataclass(slots=True)
class Group:
    """Several changes that are undone and done together."""

    label: str
    edits: Sequence[Edit]

    @property
    def nbytes(self) -> int:
        """About how many bytes all take."""
        return sum(edit.nbytes for edit in self.edits)

    def undo(self) -> None:
        """Undo all, the last first; those that are undone already are done again where one is impossible."""
        done: list[Edit] = []
        try:
            for edit in reversed(self.edits):
                edit.undo()
                done.append(edit)
        except EditError:
            for edit in reversed(done):
                edit.redo()
            raise

    def redo(self) -> None:
        """Do all again, in order; as `undo`."""
        done: list[Edit] = []
        try:
            for edit in self.edits:
                edit.redo()
                done.append(edit)
        except EditError:
            for edit in reversed(done):
                edit.undo()
            raise

    def absorb(self, later: Edit) -> bool:
        """Take in a group of the same changes: all of them or none."""
        if not isinstance(later, Group) or len(later.edits) != len(self.edits):
            return False
        return len(self.edits) == 1 and self.edits[0].absorb(later.edits[0])

    def forget(self) -> None:
        """Release what all hold."""
        for edit in self.edits:
            edit.forget()


class History:
    """The changes that were done, and those that were undone and can be done again.

    `version` rises with everything that happens here. Changes within `group` are one, and so are those that
    one drag makes: of the same values, with the same `merge`, until `end_merge`.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self.version = 0
        self.max_bytes = max_bytes
        self._done: deque[tuple[int, Edit]] = deque()
        self._undone: list[tuple[int, Edit]] = []
        self._number = 0
        self._merge: Hashable = None
        self._saved: int | None = 0
        self._lost = 0
        """The number of the last change that was forgotten: before it nothing can be undone."""
        self._group: list[Edit] | None = None

    @property
    def nbytes(self) -> int:
        """About how many bytes all changes take."""
        return sum(edit.nbytes + EDIT_BYTES for _, edit in (*self._done, *self._undone))

    @property
    def undo_label(self) -> str:
        """What `undo` would undo; empty for nothing."""
        return self._done[-1][1].label if self._done else ""

    @property
    def redo_label(self) -> str:
        """What `redo` would do again; empty for nothing."""
        return self._undone[-1][1].label if self._undone else ""

    @property
    def labels(self) -> list[tuple[str, bool]]:
        """What was done, oldest first, and what was undone: (label, whether it is done)."""
        done = [(edit.label, True) for _, edit in self._done]
        return done + [(edit.label, False) for _, edit in reversed(self._undone)]

    @property
    def is_saved(self) -> bool:
        """Whether all is as it was when `note_saved` was called last, or at the start."""
        return self._position == self._saved

    @property
    def done(self) -> list[Edit]:
        """The changes that are done and can be undone, oldest first."""
        return [edit for _, edit in self._done]

    def push(self, edit: Edit, merge: Hashable = None) -> None:
        """Add a change that was just done. What was undone can no longer be done again."""
        if self._group is not None:
            self._group.append(edit)
            return
        if merge is not None and merge == self._merge and self._done and self._done[-1][1].absorb(edit):
            self.version += 1
            return
        self._number += 1
        self._done.append((self._number, edit))
        for _, gone in reversed(self._undone):
            gone.forget()
        self._undone.clear()
        self._merge = merge
        self._trim()
        self.version += 1

    def end_merge(self) -> None:
        """End a drag: the next change is another one."""
        self._merge = None

    @property
    def is_merging(self) -> bool:
        """Whether a drag is under way that has changed something."""
        return self._merge is not None and bool(self._done)

    def cancel(self) -> None:
        """End the drag that is under way as if it had not been. Raises EditError as `undo`."""
        if self.is_merging:
            self.undo()
            self._undone.pop()[1].forget()

    @contextmanager
    def group(self, label: str) -> Iterator[None]:
        """Make what is done within one change; it is undone where something raises EditError."""
        if self._group is not None:
            yield
            return
        self._group = []
        try:
            yield
        except BaseException:
            edits, self._group = self._group, None
            for edit in reversed(edits):
                edit.undo()
                edit.forget()
            raise
        edits, self._group = self._group, None
        if edits:
            self.push(Group(label, edits) if len(edits) > 1 or edits[0].label != label else edits[0])

    def undo(self) -> str:
        """Undo the last change; return what it was, or an empty string. A change that raises is forgotten."""
        return self._step(self._done, "undo")

    def redo(self) -> str:
        """Do the change again that was undone last; as `undo`."""
        return self._step(self._undone, "redo")

    def note_saved(self) -> None:
        """Note that files have what the scene has now."""
        self._saved = self._position
        self.end_merge()
        self.version += 1

    def clear(self) -> None:
        """Forget everything."""
        for _, edit in (*reversed(self._undone), *self._done):
            edit.forget()
        self._lost = self._position
        self._done.clear()
        self._undone.clear()
        self.end_merge()
        self.version += 1

    @property
    def _position(self) -> int:
        return self._done[-1][0] if self._done else self._lost

    def _step(self, source: deque[tuple[int, Edit]] | list[tuple[int, Edit]], name: str) -> str:
        self.end_merge()
        if not source:
            return ""
        number, edit = source.pop()
        self.version += 1
        try:
            edit.undo() if name == "undo" else edit.redo()
        except EditError:
            edit.forget()
            self._saved = None  # the scene will never be exactly as it was
            raise
        (self._undone if name == "undo" else self._done).append((number, edit))
        return edit.label

    def _trim(self) -> None:
        size = self.nbytes if len(self._done) % 64 == 0 or self._done[-1][1].nbytes > 4096 else 0
        while len(self._done) > 1 and (size > self.max_bytes or len(self._done) > MAX_EDITS):
            self._lost, edit = self._done.popleft()
            size -= edit.nbytes + EDIT_BYTES
            edit.forget()
