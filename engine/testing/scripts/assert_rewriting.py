"""Plain `assert` statements in scripts that say which values they compared, as they do under pytest."""

from __future__ import annotations

import ast
from types import CodeType

_VALUE = "@value"  # no name that a script can write


def compile_script(source: bytes, path: str) -> CodeType:
    """Compile a script; an `assert` without a message explains itself. Raises SyntaxError, ValueError."""
    tree = _Explain().visit(ast.parse(source, path))
    return compile(ast.fix_missing_locations(tree), path, "exec")


class _Explain(ast.NodeTransformer):
    """Turns `assert a < b` into one that keeps both values and names them where it fails."""

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        """Rewrite one assert; what it evaluates, and how often, stays as it was."""
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
