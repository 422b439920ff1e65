"""The rows of a benchmark, one per target, each measured with its reference in the same run.

A file `bench_<area>.py` in this folder starts with `from harness import Row` and has
`def rows() -> Iterable[Row]`. Each runs in a process of its own, so that no area warms or burdens another.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from engine.files import write_whole

_NAME = re.compile(r"[a-z][a-z0-9_]*\.[a-z0-9][a-z0-9_]*")
_REPORTED = ("name", "value", "unit", "reference", "reference_value", "ratio", "aim", "holds", "driver")


@dataclass(frozen=True)
class Row:
    """One target and its measurement.

    Parameters
    ----------
    name
        `area.what`, as in `humon.read_100k`.
    value, unit
        What ours took; the unit as in "s", "ms", "us/object", "GB/s", "bytes".
    reference, reference_value
        What it was measured beside (in words) and what that took, in the same unit.
    ratio
        value / reference_value; worked out when it is left out and both are there.
    aim, holds
        The promise in words ("<= 3 s"), and whether it was kept.
    driver
        The Vulkan driver, where one took part.
    skipped
        Why the row could not be measured; then there is no value and nothing is claimed.
    """

    name: str
    value: float | None = None
    unit: str = ""
    reference: str = ""
    reference_value: float | None = None
    ratio: float | None = None
    aim: str = ""
    holds: bool | None = None
    driver: str | None = None
    skipped: str = ""

    def __post_init__(self) -> None:
        """Check that the row has a value, or the reason why there is none."""
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"a row is named area.what, not {self.name!r}")
        if (self.value is None) == (not self.skipped):
            raise ValueError(f"{self.name}: give either a value or the reason why it was skipped")
        if self.ratio is None and self.value is not None and self.reference_value:
            object.__setattr__(self, "ratio", self.value / self.reference_value)

    def to_json(self) -> dict[str, object]:
        """Return the row as in build/bench.json, with `skipped` only if it could not run."""
        row = asdict(self)
        reported: dict[str, object] = {key: row[key] for key in _REPORTED}
        if self.skipped:
            reported["skipped"] = self.skipped
        return reported


def discover(folder: Path, only: str = "") -> list[Path]:
    """List the benchmark files of a folder, or the one of area `only`; ValueError names the known ones."""
    files = {path.stem.removeprefix("bench_"): path for path in sorted(folder.glob("bench_*.py"))}
    if not only:
        return list(files.values())
    if only not in files:
        raise ValueError(f"no benchmarks of area {only!r}; there are: {', '.join(files) or 'none'}")
    return [files[only]]


def write_json(rows: Iterable[Row], path: Path) -> None:
    """Write the rows as a list; creates the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, (json.dumps([row.to_json() for row in rows], indent=2) + "\n").encode())


def print_table(rows: Sequence[Row]) -> None:
    """Print the rows as a table: target, measurement, and whether it holds."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("promise", no_wrap=True)
    for title in ("value", "reference", "ratio"):
        table.add_column(title, justify="right")
    for title in ("beside", "aim", "holds"):
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(
            row.name,
            _number(row.value, row.unit),
            _number(row.reference_value, row.unit),
            _number(row.ratio, ""),
            f"[yellow]not run: {row.skipped}[/]" if row.skipped else row.reference,
            row.aim,
            {True: "[green]yes[/]", False: "[red]NO[/]", None: ""}[row.holds],
        )
    Console(width=None if Console().is_terminal else 160).print(table)


def _number(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    text = f"{value:,.0f}" if abs(value) >= 1000 or float(value).is_integer() else f"{value:.3g}"
    return f"{text} {unit}".rstrip()
