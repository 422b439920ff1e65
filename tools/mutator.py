"""Mutants of a source file: one operator, number or statement changed, and the lines that show it is run."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
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
    executed: tuple[int, int] | None
    """First and last line of the statement in a function that a test has to execute to notice the change;
    None for statements of a module or class, which are executed on import."""

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
    tree = ast.parse(source)
    spans = statements(tree)
    mutator.visit(tree)
    name, lines = str(path.relative_to(ROOT)), source.splitlines()
    return [
        Mutant(name, site, line, lines[line - 1].strip(), before, after, spans.get(line))
        for site, (line, before, after) in enumerate(mutator.found)
    ]


def statements(tree: ast.Module) -> dict[int, tuple[int, int]]:
    """Give, for each line of a function, first and last line of its innermost statement.

    The statement of a line with `if`, `for` or `with` ends before its body; the defaults in the line of a
    `def` belong to the whole function.
    """
    found: dict[int, tuple[int, int]] = {}

    def enter(node: ast.AST, in_function: bool) -> None:
        is_function = isinstance(node, ast.FunctionDef)
        if isinstance(node, ast.stmt) and (in_function or is_function):
            assert node.end_lineno is not None
            span = (node.lineno, node.end_lineno)
            if hasattr(node, "body") and not is_function:
                span = (node.lineno, max(node.lineno, node.body[0].lineno - 1))
            found.update(dict.fromkeys(range(node.lineno, node.end_lineno + 1), span))
        for child in ast.iter_child_nodes(node):
            enter(child, in_function or is_function)

    enter(tree, False)
    return found


def mutated(source: str, site: int) -> str:
    """The source with one node changed."""
    return ast.unparse(Mutator(site).visit(ast.parse(source)))
