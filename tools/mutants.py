"""Mutation testing: change one expression or statement at a time, and list the changes that no test notices.

    python tools/mutants.py --packages engine/plan/placement,engine/planning --count 120 --seed 1 --jobs 2

Every mutant is written to a temporary copy of the tree, never to the checkout. The tests of its package
(TESTS) run on it until the first failure, quick ones first. tools/mutants.txt names what is not mutated and
which mutants are equivalent to the original, each with its reason.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from queue import SimpleQueue

ROOT = Path(__file__).resolve().parent.parent
EXCEPTIONS = Path(__file__).with_suffix(".txt")
COPIED = ("engine", "features", "viewer", "tests", "scenes", "assets", "pyproject.toml")

_PLACEMENT = "tests/plan/placement"
_RANDOM = f"{_PLACEMENT}/test_random_plans.py"
_GROWTH = f"{_PLACEMENT}/test_planner.py::test_assets_that_come_one_after_another_end_in_few_allocations"
_SLOW = (
    f"{_RANDOM}::test_a_plan_depends_on_what_is_resident_and_not_on_how_it_came_about",
    f"{_RANDOM}::test_what_is_replaced_keeps_its_page_until_all_is_placed",
    f"{_RANDOM}::test_padding_that_reaches_into_a_place_that_is_still_used_belongs_to_that",
    f"{_RANDOM}::test_a_plan_and_its_schedule_are_the_next_plan",
    f"{_RANDOM}::test_a_schedule_can_be_replaced_midway_by_a_third_plan",
    f"{_RANDOM}::test_compaction_gains_what_it_says_and_keeps_every_byte",
)
TESTS: dict[str, tuple[Sequence[str], Sequence[str]]] = {
    "engine/plan/placement": (
        (
            f"{_PLACEMENT}/test_fitting.py",
            f"{_PLACEMENT}/test_planner.py",
            f"{_PLACEMENT}/test_budget_fallback.py",
            f"{_PLACEMENT}/test_compaction.py",
            "tests/plan/schedule",
            f"--deselect={_GROWTH}",
        ),
        ("tests/planning/test_shortage.py", "tests/plan/text", _GROWTH, *_SLOW),
    ),
    "engine/plan/schedule": (
        ("tests/plan/schedule", "tests/plan/text/test_validate.py"),
        (f"{_PLACEMENT}/test_planner.py", *_SLOW),
    ),
    "engine/planning": (
        ("tests/plan/text/test_cube_plan.py", "tests/planning"),
        ("tests/scenes/test_shortage.py", "tests/scenes/test_toggles.py"),
    ),
    "engine/memory/commands": (
        ("tests/memory/commands",),
        ("tests/memory/streaming", "tests/memory/test_readback.py"),
    ),
}
"""By package: the tests that run first, and those for mutants that survive them."""

_COMPARE = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_BINARY = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult, ast.Div: ast.Mult,
    ast.Mod: ast.FloorDiv, ast.LShift: ast.RShift, ast.RShift: ast.LShift, ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}  # fmt: skip
_NAMES = {
    "min": "max", "max": "min", "any": "all", "all": "any", "minimum": "maximum", "maximum": "minimum",
    "argmin": "argmax", "argmax": "argmin",
}  # fmt: skip
_UNCHANGED_KEYWORDS = {"strict", "slots", "frozen", "eq", "dtype", "kind"}
"""Keyword arguments that check or declare and decide nothing."""


@dataclass(frozen=True)
class Mutant:
    """One change: a file, where in its text (bytes), and the line before and after."""

    path: str
    line: int
    start: int
    stop: int
    text: str
    before: str
    after: str

    @property
    def key(self) -> str:
        """What names the mutant in the list of exceptions, wherever in the file the line may stand."""
        return f"{self.path}: {self.before} => {self.after}"


@dataclass(frozen=True)
class Result:
    """What the tests said: killed, survived, timeout or equivalent, after so many seconds."""

    mutant: Mutant
    status: str
    seconds: float


class _Finder:
    """Walks one module and collects (node, replacement text) pairs."""

    def __init__(self, skipped: set[str]) -> None:
        self._skipped = skipped
        self.found: list[tuple[ast.expr | ast.stmt, str]] = []

    def visit(self, node: ast.AST) -> None:
        """Collect the changes in a node and all below it that count."""
        if isinstance(node, (ast.JoinedStr, ast.Raise, ast.Assert, ast.Import, ast.ImportFrom, ast.Lambda)):
            if isinstance(node, ast.Lambda):
                self.visit(node.body)
            return
        if isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = {target.id for target in targets if isinstance(target, ast.Name)}
            if names & self._skipped or node.value is None:
                return
            self.visit(node.value)
            return
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            return
        self._change(node)
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            if node.name in self._skipped:
                return
            below: list[ast.AST] = list(node.body)
            if isinstance(node, ast.FunctionDef):
                below += [d for d in (*node.args.defaults, *node.args.kw_defaults) if d is not None]
        elif isinstance(node, ast.Call):
            words = [k.value for k in node.keywords if k.arg not in _UNCHANGED_KEYWORDS]
            below = [node.func, *node.args, *words]
        else:
            below = list(ast.iter_child_nodes(node))
        for child in below:
            self.visit(child)

    def _change(self, node: ast.AST) -> None:
        match node:
            case ast.Compare(ops=[op]) if type(op) in _COMPARE:
                self._add(node, ast.Compare(node.left, [_COMPARE[type(op)]()], node.comparators))
            case ast.BinOp(op=op) if type(op) in _BINARY and not _textual(node):
                self._add(node, ast.BinOp(node.left, _BINARY[type(op)](), node.right))
            case ast.AugAssign(op=op) if type(op) in _BINARY:
                self._add(node, ast.AugAssign(node.target, _BINARY[type(op)](), node.value))
            case ast.Constant(value=bool()):
                self._add(node, ast.Constant(not node.value))
            case ast.Constant(value=int()):
                self._add(node, ast.Constant(node.value + 1))
                if node.value > 0:
                    self._add(node, ast.Constant(node.value - 1))
            case ast.BoolOp():
                other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
                self._add(node, ast.BoolOp(other, node.values))
            case ast.UnaryOp(op=ast.Not() | ast.Invert()):
                self._add(node, node.operand)
            case ast.If() | ast.While() | ast.IfExp():
                if not isinstance(node.test, (ast.Constant, ast.UnaryOp)):
                    self._add(node.test, ast.UnaryOp(ast.Not(), node.test))
            case ast.Return(value=value) if value is not None and ast.unparse(value) not in (
                "None",
                "False",
                "()",
            ):
                self._add(node, ast.Return(ast.Constant(None)))
            case ast.Expr(value=ast.Call()):
                self._add(node, ast.Pass())
            case ast.Break():
                self._add(node, ast.Continue())
            case ast.Continue():
                self._add(node, ast.Break())
            case ast.Call(func=ast.Name(id=name)) if name in _NAMES:
                self._add(node, ast.Call(ast.Name(_NAMES[name]), node.args, node.keywords))
            case ast.Call(func=ast.Attribute(attr=name)) if name in _NAMES:
                called = ast.Attribute(node.func.value, _NAMES[name])  # type: ignore[attr-defined]
                self._add(node, ast.Call(called, node.args, node.keywords))
            case ast.Slice():
                if node.lower is not None and not isinstance(node.lower, ast.Constant):
                    self._add(node.lower, ast.BinOp(node.lower, ast.Add(), ast.Constant(1)))
                if node.upper is not None and not isinstance(node.upper, (ast.Constant, ast.UnaryOp)):
                    self._add(node.upper, ast.BinOp(node.upper, ast.Sub(), ast.Constant(1)))

    def _add(self, node: ast.expr | ast.stmt, changed: ast.AST) -> None:
        text = ast.unparse(ast.fix_missing_locations(changed))
        self.found.append(
            (
                node,
                f"({text})"
                if isinstance(changed, (ast.BinOp, ast.BoolOp, ast.UnaryOp, ast.Compare))
                else text,
            )
        )


def _textual(node: ast.BinOp) -> bool:
    sides = (node.left, node.right)
    return any(
        isinstance(side, ast.JoinedStr) or isinstance(getattr(side, "value", None), str) for side in sides
    )


def mutants_of(path: Path, skipped: set[str]) -> Iterator[Mutant]:
    """All mutants of one module, in the order of its text, each of which is valid Python."""
    source = path.read_bytes()
    lines = source.splitlines(keepends=True)
    begins = [0]
    for line in lines:
        begins.append(begins[-1] + len(line))
    finder = _Finder(skipped | {"__all__"})
    for statement in ast.parse(source).body:
        finder.visit(statement)
    for node, text in finder.found:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        start = begins[node.lineno - 1] + node.col_offset
        stop = begins[node.end_lineno - 1] + node.end_col_offset
        changed = source[:start] + text.encode() + source[stop:]
        compile(changed, str(path), "exec")
        head, tail = begins[node.lineno - 1], begins[node.end_lineno]
        before = " ".join(source[head:tail].decode().split())
        after = " ".join(changed[head : tail + len(changed) - len(source)].decode().split())
        yield Mutant(path.relative_to(ROOT).as_posix(), node.lineno, start, stop, text, before, after)


def read_exceptions(path: Path) -> tuple[dict[str, set[str]], dict[str, str]]:
    """(names not to mutate by file, reasons of equivalent mutants by key); see the head of that file."""
    skipped: dict[str, set[str]] = {}
    equivalent: dict[str, str] = {}
    key = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "skip":
            where, name, _reason = rest.split(" ", 2)
            skipped.setdefault(where, set()).add(name)
        elif kind == "equivalent":
            key = rest
        elif kind == "because":
            equivalent[key] = rest
    return skipped, equivalent


class Bench:
    """Temporary copies of the tree, one per job, and the time that the unmutated tests take in them."""

    def __init__(self, folder: Path, jobs: int, *, quick: bool) -> None:
        self._stages = 1 if quick else 2
        self._free: SimpleQueue[Path] = SimpleQueue()
        self._limits: dict[str, list[float]] = {}
        ignore = shutil.ignore_patterns("__pycache__")
        for job in range(jobs):
            copy = folder / str(job)
            copy.mkdir()
            for name in COPIED:
                source = ROOT / name
                if source.is_dir():
                    shutil.copytree(source, copy / name, ignore=ignore)
                else:
                    shutil.copy2(source, copy / name)
            self._free.put(copy)

    def measure(self, package: str) -> None:
        """Run the tests of a package on the original; SystemExit where they fail."""
        copy = self._free.get()
        took = []
        for tests in TESTS[package][: self._stages]:
            begin = time.monotonic()
            run = _pytest(copy, tests, 1800.0)
            took.append(time.monotonic() - begin)
            if run is None or run.returncode:
                sys.exit(f"{package}: tests fail without a mutant\n{run.stdout if run else 'time is over'}")
        self._free.put(copy)
        self._limits[package] = [3 * seconds + 20 for seconds in took]
        print(f"{package}: {', then '.join(f'{s:.1f} s' for s in took)} without a mutant", flush=True)

    def run(self, mutant: Mutant) -> Result:
        """Run the tests on one mutant."""
        package = next(name for name in TESTS if mutant.path.startswith(name + "/"))
        copy = self._free.get()
        path, begin = copy / mutant.path, time.monotonic()
        original = path.read_bytes()
        status = "survived"
        try:
            path.write_bytes(original[: mutant.start] + mutant.text.encode() + original[mutant.stop :])
            _forget_compiled(path)
            for tests, limit in zip(TESTS[package], self._limits[package], strict=False):
                run = _pytest(copy, tests, limit)
                if run is None or run.returncode:
                    status = "timeout" if run is None else "killed"
                    break
        finally:
            path.write_bytes(original)
            _forget_compiled(path)
            self._free.put(copy)
        return Result(mutant, status, time.monotonic() - begin)


def _forget_compiled(path: Path) -> None:
    """Remove byte code: a mutant of the same size within the same second would be taken for the last one."""
    for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*"):
        compiled.unlink()


def _pytest(copy: Path, tests: Sequence[str], limit: float) -> subprocess.CompletedProcess[str] | None:
    """Run tests in a copy until the first failure; None where that takes longer than `limit` seconds."""
    plugins = ("engine.testing.plugin", "pytest_timeout", "_hypothesis_pytestplugin", "no:cacheprovider")
    options = [word for plugin in plugins for word in ("-p", plugin)]
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "--tb=line", *options, *tests]
    environment = {
        **os.environ,
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONPATH": "",
        "PYTHONHASHSEED": "0",
    }
    try:
        return subprocess.run(
            command, cwd=copy, env=environment, timeout=limit, capture_output=True, text=True, check=False
        )
    except subprocess.TimeoutExpired:
        return None


def choose(packages: Sequence[str], count: int, seed: int, skipped: dict[str, set[str]]) -> list[Mutant]:
    """`count` mutants over all packages, each as likely; the same ones for the same seed and source."""
    every = [
        mutant
        for package in packages
        for path in sorted((ROOT / package).rglob("*.py"))
        for mutant in mutants_of(path, skipped.get(path.relative_to(ROOT).as_posix(), set()))
    ]
    print(f"{len(every)} mutants are possible", flush=True)
    return random.Random(seed).sample(every, min(count, len(every)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; 1 where more than `--most` per cent of the mutants survive."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--packages", default=",".join(TESTS), help="folders, with commas (default: all)")
    parser.add_argument("--count", type=int, default=240, help="how many mutants (default: 240)")
    parser.add_argument("--seed", type=int, default=1, help="chooses the mutants (default: 1)")
    parser.add_argument("--jobs", type=int, default=1, help="how many run at once (default: 1)")
    parser.add_argument("--most", type=float, default=5.0, help="per cent that may survive (default: 5)")
    parser.add_argument("--list", action="store_true", help="list the chosen mutants and run nothing")
    parser.add_argument("--json", type=Path, help="write the results here, after every mutant")
    parser.add_argument("--again", type=Path, help="run only the survivors of an earlier --json")
    parser.add_argument("--quick", action="store_true", help="run only the tests that run first")
    options = parser.parse_args(arguments)
    packages = options.packages.split(",")
    unknown = [package for package in packages if package not in TESTS]
    if unknown:
        parser.error(f"no tests are named for {', '.join(unknown)} in TESTS")
    skipped, equivalent = read_exceptions(EXCEPTIONS)
    chosen = choose(packages, 10**9 if options.again else options.count, options.seed, skipped)
    if options.again:
        rows = json.loads(options.again.read_text())
        wanted = {(row["path"], row["before"], row["after"]) for row in rows if row["status"] == "survived"}
        chosen = [m for m in chosen if (m.path, m.before, m.after) in wanted]
    if options.list:
        for mutant in chosen:
            print(f"{mutant.path}:{mutant.line}: {mutant.before}  =>  {mutant.after}")
        return 0
    results = _run_all(chosen, equivalent, packages, options)
    return _summary(results, options.most)


def _run_all(
    chosen: list[Mutant], equivalent: dict[str, str], packages: Sequence[str], options: argparse.Namespace
) -> list[Result]:
    results = [Result(m, "equivalent", 0.0) for m in chosen if m.key in equivalent]
    rest = [m for m in chosen if m.key not in equivalent]
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder, ThreadPoolExecutor(options.jobs) as pool:
        bench = Bench(Path(folder), options.jobs, quick=options.quick)
        for package in packages:
            if any(m.path.startswith(package + "/") for m in rest):
                bench.measure(package)
        for result in pool.map(bench.run, rest):
            results.append(result)
            m = result.mutant
            if result.status == "survived":
                print(f"{m.path}:{m.line}: {m.before}\n    => {m.after}", flush=True)
            if options.json:
                rows = [
                    {**asdict(r.mutant), "status": r.status, "seconds": round(r.seconds, 1)} for r in results
                ]
                options.json.write_text(json.dumps(rows, indent=1))
    return results


def _summary(results: list[Result], most: float) -> int:
    rows: dict[str, Counter[str]] = {}
    for result in results:
        for name in (result.mutant.path.rpartition("/")[0], "all"):
            rows.setdefault(name, Counter())[result.status] += 1
    share = 0.0
    print(f"{'':28}{'killed':>9}{'timeout':>9}{'survived':>9}{'equivalent':>11}")
    for name in sorted(rows, key=lambda name: (name == "all", name)):
        counts = rows[name]
        counted = sum(counts.values()) - counts["equivalent"]
        share = 100 * counts["survived"] / max(counted, 1)
        numbers = f"{counts['killed']:9}{counts['timeout']:9}{counts['survived']:9}{counts['equivalent']:11}"
        print(f"{name:28}{numbers}  {share:.1f} % survive")
    return int(share > most)


if __name__ == "__main__":
    sys.exit(main())
