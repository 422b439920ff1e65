"""Mutation testing: changes one operator, number or statement at a time, and runs the tests of that module.

    python tools/mutants.py --packages engine/plan/placement engine/planning --count 100 --seed 1 --jobs 2

A mutant that no test notices is a hole in the tests: each is printed with its line. The checkout itself is
never changed; every job works in a copy. Tests that fail without any mutant are left out, and listed.
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
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from queue import Queue
from typing import TypeVar

Answer = TypeVar("Answer")
ROOT = Path(__file__).resolve().parent.parent
COPIED = ("engine", "features", "viewer", "tests", "scenes", "assets", "docs", "tools")
TESTS = {
    "engine/plan/placement": (
        "tests/plan/placement",
        "tests/plan/schedule",
        "tests/plan/text",
        "tests/planning",
    ),
    "engine/plan/schedule": (
        "tests/plan/schedule",
        "tests/plan/placement",
        "tests/plan/text",
        "tests/plan/resident",
    ),
    "engine/planning": ("tests/planning", "tests/testing", "tests/feature", "tests/scenes"),
    "engine/memory/commands": ("tests/memory/commands", "tests/memory/streaming", "tests/storage"),
}
"""The tests of each package, those that notice most mutants first."""
EQUIVALENT = ROOT / "tools" / "mutants-equivalent.txt"
"""Mutants that change nothing one can see: `path: line | before -> after  # reason`, counted apart."""
COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
PASSED = (0, 5)
"""Exit codes of pytest: all passed, or none was there to run."""
NAMES = {"min": "max", "max": "min", "any": "all", "all": "any", "minimum": "maximum", "maximum": "minimum"}


@dataclass(frozen=True)
class Mutant:
    """One change: the `site`-th node of a file that can be changed, and how it reads before and after."""

    path: str
    site: int
    line: int
    text: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.before} -> {self.after}"

    @property
    def identity(self) -> str:
        """What stays when lines above come and go: the file, the text of the line, and the change."""
        return f"{self.path}: {self.text} | {self.before} -> {self.after}"


class Mutator(ast.NodeTransformer):
    """Counts the nodes that can be changed, and changes the one with the number `site`."""

    def __init__(self, site: int = -1) -> None:
        self.site = site
        self.found: list[tuple[int, str, str]] = []

    def visit_arg(self, node: ast.arg) -> ast.AST:
        return node  # annotations are no code

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value is not None:
            node.value = self.visit(node.value)
        return node

    def visit_If(self, node: ast.If) -> ast.AST:
        if ast.unparse(node.test) == "TYPE_CHECKING":
            return node
        self.generic_visit(node)
        return self._offer(node, ast.If(ast.UnaryOp(ast.Not(), node.test), node.body, node.orelse), node.test)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.body = [
            self.visit(statement) for statement in node.body
        ]  # frozen, eq and slots are no behaviour
        return node

    def visit_keyword(self, node: ast.keyword) -> ast.AST:
        return node if node.arg == "strict" else self.generic_visit(node)  # of zip: a check of ours

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        return node  # the words of errors are no claim of these tests

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        if node.name in ("__repr__", "__str__"):
            return node
        node.args = self.visit(node.args)
        node.body = [self.visit(statement) for statement in node.body]
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        if isinstance(node.value, ast.Constant):
            return node  # a docstring
        self.generic_visit(node)
        return self._offer(node, ast.Pass())

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        other = COMPARISONS[type(node.ops[0])]
        return self._offer(node, ast.Compare(node.left, [other(), *node.ops[1:]], node.comparators))

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        other = ARITHMETIC.get(type(node.op))
        return self._offer(node, ast.BinOp(node.left, other(), node.right)) if other else node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        node.value = self.visit(node.value)
        other = ARITHMETIC.get(type(node.op))
        return self._offer(node, ast.AugAssign(node.target, other(), node.value)) if other else node

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        self.generic_visit(node)
        other = ast.And() if isinstance(node.op, ast.Or) else ast.Or()
        return self._offer(node, ast.BoolOp(other, node.values))

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        self.generic_visit(node)
        return self._offer(node, node.operand) if isinstance(node.op, (ast.Not, ast.Invert)) else node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if isinstance(node.value, bool):
            return self._offer(node, ast.Constant(not node.value))
        if isinstance(node.value, int):
            return self._offer(node, ast.Constant(node.value + 1))
        return node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        return node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        other = NAMES.get(node.id)
        return self._offer(node, ast.Name(other, node.ctx)) if other else node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        other = NAMES.get(node.attr)
        return self._offer(node, ast.Attribute(node.value, other, node.ctx)) if other else node

    def _offer(self, node: ast.expr | ast.stmt, other: ast.AST, shown: ast.AST | None = None) -> ast.AST:
        """Count a node that can be changed to `other`; `shown` is what is printed in its place."""
        after = f"not ({ast.unparse(shown)})" if shown else ast.unparse(ast.fix_missing_locations(other))
        self.found.append((node.lineno, ast.unparse(shown or node), after))
        if len(self.found) - 1 != self.site:
            return node
        return ast.fix_missing_locations(ast.copy_location(other, node))


def mutants_of(path: Path) -> list[Mutant]:
    """All mutants of a file."""
    mutator, source = Mutator(), path.read_text(encoding="utf-8")
    mutator.visit(ast.parse(source))
    name, lines = str(path.relative_to(ROOT)), source.splitlines()
    return [
        Mutant(name, site, line, lines[line - 1].strip(), before, after)
        for site, (line, before, after) in enumerate(mutator.found)
    ]


def mutated(source: str, site: int) -> str:
    """The source with one node changed."""
    return ast.unparse(Mutator(site).visit(ast.parse(source)))


def choose(packages: list[str], count: int, seed: int) -> list[Mutant]:
    """Draw `count` mutants, as many from each package in turn; the same for the same seed and sources."""
    rng, chosen = random.Random(seed), []
    for number, package in enumerate(packages):
        found = [m for path in sorted((ROOT / package).rglob("*.py")) for m in mutants_of(path)]
        share = count // len(packages) + (number < count % len(packages))
        chosen += rng.sample(found, min(share, len(found)))
    return chosen


@dataclass(frozen=True)
class Baseline:
    """A folder of tests without a mutant: those that fail and are left out, and seconds of the others."""

    left_out: list[str]
    seconds: float


class Copy:
    """A copy of the project in which one job works."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in COPIED:
            if (ROOT / name).exists():
                shutil.copytree(
                    ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "bench")
                )
        shutil.copy(ROOT / "pyproject.toml", folder)

    def run(self, tests: str, left_out: list[str], limit_s: float) -> tuple[int, str]:
        """Run a folder of tests until one fails; (exit code, output), code 124 after `limit_s` seconds."""
        options = [f"--{'deselect' if '::' in name else 'ignore'}={name}" for name in left_out]
        try:
            done = self._pytest("-x", tests, *options, timeout=limit_s)
        except subprocess.TimeoutExpired:
            return 124, ""
        return done.returncode, done.stdout

    def baseline(self, tests: str) -> Baseline:
        """Find the tests that fail without a mutant, and see the others pass. Raises RuntimeError."""
        done = self._pytest("-rfE", "--continue-on-collection-errors", tests)
        lines = [line for line in done.stdout.splitlines() if line.startswith(("FAILED ", "ERROR "))]
        left_out = [line.split(" ", 1)[1].split(" - ")[0] for line in lines]
        begun = time.monotonic()
        code, output = self.run(tests, left_out, 3600)
        if code not in PASSED:
            raise RuntimeError(
                f"{tests} fails without a mutant, whatever is left out ({code}):\n{output[-2000:]}"
            )
        return Baseline(left_out, time.monotonic() - begun)

    def _pytest(self, *arguments: str, timeout: float | None = None) -> subprocess.CompletedProcess[str]:
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:xdist",
            *arguments,
        ]
        environment = {**os.environ, "PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"}
        environment["DIORAMA_SEED"] = "1"
        return subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=timeout
        )


def judge(mutant: Mutant, copy: Copy, baselines: dict[str, Baseline]) -> str:
    """Run one folder of tests after the other: "killed", "timeout" or "survived"."""
    target = copy.folder / mutant.path
    original = target.read_text(encoding="utf-8")
    target.write_text(mutated(original, mutant.site), encoding="utf-8")
    try:
        for tests in tests_of(mutant.path):
            known = baselines[tests]
            code, _output = copy.run(tests, known.left_out, 10 * known.seconds + 30)
            if code not in PASSED:
                return "timeout" if code == 124 else "killed"
        return "survived"
    finally:
        target.write_text(original, encoding="utf-8")


def tests_of(path: str) -> tuple[str, ...]:
    """The folders with the tests of a file."""
    return next(tests for package, tests in TESTS.items() if path.startswith(package))


def run(chosen: list[Mutant], jobs: int) -> Iterator[tuple[Mutant, str]]:
    """Judge mutants in copies of the project, as they are done."""
    with tempfile.TemporaryDirectory() as top, ThreadPoolExecutor(jobs) as pool:
        copies: Queue[Copy] = Queue()
        for number in range(jobs):
            copies.put(Copy(Path(top) / str(number)))
        folders = sorted({tests for mutant in chosen for tests in tests_of(mutant.path)})

        def with_copy(work: Callable[[Copy], Answer]) -> Answer:
            copy = copies.get()
            try:
                return work(copy)
            finally:
                copies.put(copy)

        found = pool.map(lambda tests: with_copy(lambda copy: copy.baseline(tests)), folders)
        baselines = dict(zip(folders, found, strict=True))
        for tests, known in baselines.items():
            print(f"{tests}: {known.seconds:.0f} s; fail unchanged: {known.left_out or 'none'}", flush=True)
        judged = pool.map(lambda mutant: with_copy(lambda copy: judge(mutant, copy, baselines)), chosen)
        yield from zip(chosen, judged, strict=True)


def main() -> int:
    """Give 0 where at most 5 % survive."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--packages", nargs="+", default=list(TESTS), help="folders (default: %(default)s)")
    parser.add_argument("--count", type=int, default=240, help="how many mutants (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="chooses them (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="copies at work at once")
    parser.add_argument("--out", type=Path, help="write the results as JSON")
    parser.add_argument("--only", nargs="+", help="judge these mutants alone: path:site")
    options = parser.parse_args()
    chosen = choose(options.packages, options.count, options.seed)
    if options.only:
        everything = [
            m for package in options.packages for p in (ROOT / package).rglob("*.py") for m in mutants_of(p)
        ]
        chosen = [mutant for mutant in everything if f"{mutant.path}:{mutant.site}" in options.only]
    known = EQUIVALENT.read_text(encoding="utf-8").splitlines() if EQUIVALENT.exists() else []
    equivalent = {line.split("  #")[0] for line in known if line and not line.startswith("#")}
    results: dict[str, list[Mutant]] = {"killed": [], "timeout": [], "survived": [], "equivalent": []}
    for mutant, result in run(chosen, options.jobs):
        if result == "survived" and mutant.identity in equivalent:
            result = "equivalent"
        results[result].append(mutant)
        print(f"{result:10} {mutant.path}:{mutant.site} {mutant}", flush=True)
        if options.out:
            rows = {name: [asdict(row) for row in found] for name, found in results.items()}
            options.out.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    counts = ", ".join(f"{len(found)} {name}" for name, found in results.items())
    share = len(results["survived"]) / max(len(chosen) - len(results["equivalent"]), 1)
    print(f"{len(chosen)} mutants, seed {options.seed}: {counts}; {share:.1%} survived")
    return int(share > 0.05)


if __name__ == "__main__":
    sys.exit(main())
