"""Rewriting of plain `assert` statements in scripts, so that a failure shows the compared values."""

from __future__ import annotations

import ast
from types import CodeType

_VALUE = "@value"  # no name that a script can write


def compile_script(source: bytes, path: str) -> CodeType:
    """Compile a script, rewriting each `assert` without a message. Raises SyntaxError, ValueError."""
    tree = _AssertRewriter().visit(ast.parse(source, path))
    return compile(ast.fix_missing_locations(tree), path, "exec")


class _AssertRewriter(ast.NodeTransformer):
    """Rewrites `assert a < b` to store both values and name them in the failure."""

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        """Rewrite one comparison; each side is still evaluated once."""
        if node.msg is not None or not isinstance(node.test, ast.Compare) or len(node.test.ops) != 1:
            return node
        sides = [node.test.left, node.test.comparators[0]]
        kept: list[ast.expr] = [
            ast.NamedExpr(ast.Name(f"{_VALUE}{i}", ast.Store()), side) for i, side in enumerate(sides)
        ]
        test = ast.Compare(kept[0], node.test.ops, [kept[1]])
        parts: list[ast.expr] = [ast.Constant(ast.unparse(node.test))]
        for i, side in enumerate(sides):
            if not isinstance(side, ast.Constant):
                shown = ast.FormattedValue(ast.Name(f"{_VALUE}{i}", ast.Load()), ord("r"))
                parts += [ast.Constant(f"\n    where {ast.unparse(side)} is "), shown]
        return ast.copy_location(ast.Assert(test, ast.JoinedStr(parts)), node)
