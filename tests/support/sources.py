"""What the modules of the project hold, as rules about them ask for it: each is parsed once in a process."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import NamedTuple


class Import(NamedTuple):
    """An import statement; `for_types` where it stands under `if TYPE_CHECKING:`."""

    node: ast.Import | ast.ImportFrom
    for_types: bool


class Call(NamedTuple):
    """A call: its line, what is called (`os.open`), whether that is an attribute, its first argument if a
    text.
    """

    line: int
    name: str
    is_attribute: bool
    first: str | None


class Handler(NamedTuple):
    """An `except`: its line, what it catches, and whether it does nothing."""

    line: int
    caught: str
    is_silent: bool


PROBLEM_MAKERS = ("failure", "problem", "Problem", "problem_at")
"""What makes a problem of users, by its name."""


@dataclass(slots=True)
class Source:
    """A module without its tree, of which those of all modules would take 150 MB.

    `problems` are the calls that make a problem; `defined` has functions and classes, and `Class.name` for
    what classes have; `read` the attributes that are read.
    """

    docstring: str
    imports: list[Import] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    problems: list[ast.Call] = field(default_factory=list)
    handlers: list[Handler] = field(default_factory=list)
    strings: list[str] = field(default_factory=list)
    defined: set[str] = field(default_factory=set)
    read: set[str] = field(default_factory=set)


def modules_below(root: Path, *folders: str) -> list[Path]:
    """List the modules in folders of the project."""
    return [path for folder in folders for path in sorted((root / folder).rglob("*.py"))]


@cache
def source_of(path: Path) -> Source:
    """Return what the module in a file holds; a file must not change after that."""
    return parsed(path.read_text(encoding="utf-8"))


def parsed(text: str) -> Source:
    """Return what a module of this text holds."""
    tree = ast.parse(text)
    found = Source(ast.get_docstring(tree) or "")
    for node, for_types in _statements(tree, False):
        match node:
            case ast.Import() | ast.ImportFrom():
                found.imports.append(Import(node, for_types))
            case ast.Call():
                found.calls.append(_call(node))
                if found.calls[-1].name.rpartition(".")[2] in PROBLEM_MAKERS:
                    found.problems.append(node)
            case ast.ExceptHandler():
                found.handlers.append(_handler(node))
            case ast.Constant(value=str(value)):
                found.strings.append(value)
            case ast.Attribute(attr=name, ctx=ast.Load()):
                found.read.add(name)
            case ast.FunctionDef(name=name):
                found.defined.add(name)
            case ast.ClassDef(name=name):
                found.defined |= {name, *(f"{name}.{part}" for part in _parts(node))}
    return found


def _statements(node: ast.AST, for_types: bool) -> Iterator[tuple[ast.AST, bool]]:
    """Yield all nodes below one, and whether each is for type checkers alone."""
    waiting = [(node, for_types)]
    while waiting:
        above, for_types = waiting.pop()
        here = for_types or (
            isinstance(above, ast.If)
            and isinstance(above.test, ast.Name)
            and above.test.id == "TYPE_CHECKING"
        )
        for child in ast.iter_child_nodes(above):
            yield child, here
            waiting.append((child, here))


def _call(node: ast.Call) -> Call:
    first = node.args[0] if node.args else None
    text = first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None
    return Call(node.lineno, _dotted(node.func), isinstance(node.func, ast.Attribute), text)


def _dotted(node: ast.expr) -> str:
    """Write what is called, as `ast.unparse` does, which takes long."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=ast.Name() | ast.Attribute() as value, attr=name):
            return f"{_dotted(value)}.{name}"
    return ast.unparse(node)


def _handler(node: ast.ExceptHandler) -> Handler:
    caught = ast.unparse(node.type) if node.type else "everything"
    return Handler(node.lineno, caught, all(isinstance(statement, ast.Pass) for statement in node.body))


def _parts(node: ast.ClassDef) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.FunctionDef):
            yield part.name
        elif isinstance(part, ast.Attribute) and isinstance(part.ctx, ast.Store):
            yield part.attr
