"""The progress bar of cooking, shown on a terminal only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class CookProgress:
    """The progress callback of `open_library`; use it as a context manager.

    The bar appears with the first asset that is cooked, so an up-to-date scene does not import rich.
    """

    def __init__(self) -> None:
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, done: int, total: int, label: str) -> None:
        """Show `done` of `total` assets of one database; `done` is 0 when a database begins."""
        bar = self._bar or self._open()
        if done == 0 or self._task is None:
            self._task = bar.add_task("", total=total)
        bar.update(self._task, completed=done, description=label)

    def _open(self) -> Progress:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (
            TextColumn("cooking"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.description}", markup=False),
        )
        console = Console(stderr=True)
        self._bar = Progress(*columns, console=console, disable=not console.is_terminal)
        self._bar.start()
        return self._bar
