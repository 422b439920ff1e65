"""`python tests/bench [--only AREA]`: run the benchmarks, print the table, write build/bench.json."""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parent.parent
# An area that takes longer than this hangs.
AREA_SECONDS = 1200

sys.path[:0] = [str(path) for path in (ROOT, FOLDER, FOLDER.parent) if str(path) not in sys.path]

from harness import Row, discover, print_table, write_json  # noqa: E402


def run_here(path: Path, output: Path) -> None:
    """Run one benchmark file in this process; each row is written at once, one per line."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    with output.open("w", encoding="utf-8") as lines:
        for row in module.rows():
            lines.write(json.dumps(row.to_json()) + "\n")
            lines.flush()


def run_apart(path: Path) -> list[Row]:
    """Run one benchmark file in a child process; a crash or a hang becomes a row with the reason."""
    area = path.stem.removeprefix("bench_")
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "rows.jsonl"
        command = [sys.executable, str(FOLDER), "--file", str(path), "--rows", str(output)]
        try:
            status = subprocess.run(command, cwd=ROOT, timeout=AREA_SECONDS, check=False).returncode
            ending = f"the process ended with {status}" if status else ""
        except subprocess.TimeoutExpired:
            ending = f"not done after {AREA_SECONDS} s"
        lines = output.read_text(encoding="utf-8").splitlines() if output.exists() else []
    rows = [Row(**json.loads(line)) for line in lines]
    if ending:
        rows.append(Row(f"{area}.all_rows", aim="every row runs", holds=False, skipped=ending))
    return rows


def main() -> int:
    """Return 0 if every area ran, 1 if one failed, 2 for an unknown area."""
    parser = argparse.ArgumentParser(prog="python tests/bench", description=__doc__)
    parser.add_argument("--only", default="", metavar="AREA", help="one area, as in bench_AREA.py")
    parser.add_argument(
        "--out", type=Path, default=ROOT / "build" / "bench.json", help="default: %(default)s"
    )
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--rows", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.file:
        run_here(options.file, options.rows)
        return 0
    try:
        files = discover(FOLDER, options.only)
    except ValueError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    rows: list[Row] = []
    for path in files:
        print(f"measuring {path.stem.removeprefix('bench_')} ...", file=sys.stderr, flush=True)
        rows += run_apart(path)
    print_table(rows)
    write_json(rows, options.out)
    print(f"{len(rows)} rows in {options.out}")
    return 1 if any(row.skipped and row.holds is False for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
