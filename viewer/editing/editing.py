"""All of editing for one opened scene: the editor, what differs from its files, saving and recovery."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

from engine.assets.importers.models.model_files import is_model
from engine.humon import InputError, Problem, Severity
from engine.scene import Scene
from engine.scene.file_update import Conflict
from viewer.editing.editor import Editor
from viewer.editing.file_changes import FileChanges
from viewer.editing.history import EditError, History
from viewer.editing.recovery import Found, Recovery
from viewer.editing.reverting import Reverting
from viewer.editing.saving import Saving
from viewer.editing.value_edit import TRANSFORMS, Renewed, same_key

CONFLICT = "scene.conflict"

CAMERA = "camera"
"""The feature whose object the view moves."""


class Editing:
    """What panels edit a scene with. What goes wrong is reported, and does not raise: see `run`.

    Attributes
    ----------
    found : list of Found
        What an earlier run, which crashed, has not saved: to be offered.
    message : str
        What the last edit, save or undo came to, in a few words.
    refused : tuple of Problem
        Why the last save, or the last try of something else, was refused; until the next one.
    was_refused : bool
        Whether it says why something was not done.
    ask_where : callable
        Asks for the name under which the scene is to be saved, and calls `save_as`.
    has_moved : callable
        Called when the scene goes on under another name.
    finish_drag : callable
        Makes what is being dragged in the scene a change of its own, before anything else is done.
    """

    def __init__(
        self,
        scene: Scene,
        report: Callable[[str], None],
        *,
        renewed: Renewed = same_key,
        folder: Path | None = None,
    ) -> None:
        """`report` lists a text among the problems; `folder` is that of recovery files, None for none."""
        self.history = History()
        self.editor = Editor(scene, self.history, renewed)
        self.changes = FileChanges(scene)
        self.reverting = Reverting(self.editor, self.changes)
        self.saving = Saving(self.editor, changes=self.changes)
        self.recovery = Recovery(self.editor, folder, report, lambda: self.is_saved, self._seen_from)
        self.found: list[Found] = self.recovery.found()
        self.message, self.was_refused = "", False
        self.refused: tuple[Problem, ...] = ()
        self.ask_where: Callable[[], None] = _nobody
        self.has_moved: Callable[[], None] = _nobody
        self.finish_drag: Callable[[], None] = _nobody

    @property
    def is_saved(self) -> bool:
        """Whether all edits are saved, and cameras, which move without edits, are as in the file."""
        cameras = self.editor.tableau.tables.get(CAMERA)
        if not self.history.is_saved or cameras is None:
            return self.history.is_saved
        rows = cameras.object[cameras.rows_active()]
        marked = self.changes.marked(rows)
        return not any(marked[row] for row in rows.tolist())

    def _seen_from(self) -> tuple[object, ...]:
        """Where the camera in use is, and what it has."""
        tableau = self.editor.tableau
        table = tableau.tables.get(CAMERA)
        rows = table.rows_enabled()[:1].tolist() if table is not None else []
        if table is None or not rows:
            return ()
        place = int(table.object[rows[0]])
        values = [getattr(tableau, name)[place].tobytes() for name in TRANSFORMS]
        return (place, *values, *(str(table.column(each.name)[rows[0]]) for each in table.schema.fields))

    def run(self, action: Callable[[], object]) -> bool:
        """Do something that may be impossible; return whether it was done, else `message` says why not."""
        self.finish_drag()
        try:
            action()
        except EditError as error:
            self.message, self.was_refused = str(error), True
            return False
        except InputError as error:
            self.message, self.was_refused = error.problems[0].message, True
            self.refused = tuple(error.problems)
            return False
        self.message, self.was_refused = "", False
        return True

    def undo(self) -> None:
        """Undo the last change."""
        self._say(lambda: _said("undone", self.history.undo()))

    def redo(self) -> None:
        """Do the last change again that was undone."""
        self._say(lambda: _said("done again", self.history.redo()))

    def save(self) -> None:
        """Save the scene; conflicts are listed first. A model that was opened is saved as a scene."""

        def save() -> str:
            self.refused = ()
            saved = self.saving.save()
            conflicts = len(self.saving.conflicts)
            if conflicts:
                values = "value was" if conflicts == 1 else "values were"
                return f"not saved: {conflicts} {values} changed here and in the file"
            return "saved" if saved else "nothing to save"

        if is_model(self.editor.scene.path) and self.ask_where is not _nobody:
            self.ask_where()
        else:
            self._say(save)

    def save_as(self, path: Path, replace: bool = False) -> list[Path] | None:
        """Save the scene under another name, and go on with that; `message` says why it was not.

        Returns the files that are in the way, and are not replaced unless with `replace`; None if refused.
        """
        taken: list[Path] = []

        def save() -> None:
            self.refused = ()
            taken.extend(self.saving.save_as(path, replace))

        if not self.run(save):
            return None
        if not taken:
            self.message = f"saved as {self.editor.scene.path.name}"
            self.recovery.follow()
            self.found = []  # they are of the name before, and offered when that is opened again
            self.has_moved()
        return taken

    def revert_all(self) -> None:
        """Make the scene what its files have."""

        def revert() -> str:
            missing = self.reverting.revert_all()
            if not missing:
                self.history.note_saved()
            left = f"; {missing} removed objects are missing: open the scene again" if missing else ""
            return f"reverted{left}"

        self._say(revert)

    def recover(self, found: Found) -> None:
        """Do again what an earlier run had not saved."""

        def recover() -> str:
            missed = self.recovery.recover(found)
            return (
                f"recovered; not found: {', '.join(missed[:5])}" if missed else "recovered what was not saved"
            )

        self._say(recover)
        self.found = [each for each in self.found if each is not found]

    def discard(self, found: Found) -> None:
        """Remove what an earlier run had not saved."""
        self.recovery.discard(found)
        self.found = [each for each in self.found if each is not found]

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong now: conflicts that are not settled, and why the last save was refused."""
        return (*(self._problem_of(each) for each in self.saving.conflicts), *self.refused)

    def forget_refused(self) -> None:
        """Forget why a save was refused: it is given up."""
        self.message, self.was_refused, self.refused = "", False, ()

    def note_sources(self, problems: Collection[Problem]) -> None:
        """Forget why a save was refused where that is mended; `problems` are those of the files now."""
        self.refused = tuple(each for each in self.refused if each.position is None or each in problems)

    def _problem_of(self, conflict: Conflict) -> Problem:
        message = f"{conflict.what} of '{conflict.path}' was changed by hand and in the file"
        position = self.editor.tableau.position(conflict.row) if self.saving.is_there(conflict) else None
        hint = "what was set by hand is kept unless the file's is chosen over the scene"
        return Problem(CONFLICT, message, position, help=hint, severity=Severity.WARNING)

    def close(self) -> None:
        """End: what is not saved is kept, to be offered at the next start."""
        self.recovery.close()

    def _say(self, action: Callable[[], str]) -> None:
        said = ""

        def act() -> None:
            nonlocal said
            said = action()

        if self.run(act):
            self.message = said


def _nobody() -> None:
    """There is no window that asks, goes on, or is dragged in."""


def _said(what: str, label: str) -> str:
    return f"{what}: {label}" if label else ""
