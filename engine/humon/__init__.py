"""Humon, the text format of every file of the project: reader, writer, edits and formatter.

`parse` and `read` return a `Document` whose nodes have positions; `number`, `vector`, `choice` and similar
functions read typed values from nodes; wrong input raises an `InputError`.
"""

from engine.humon.codes import Code, ProblemCode
from engine.humon.document import Document, parse
from engine.humon.edits import Edits
from engine.humon.files import read
from engine.humon.formatter import format_document
from engine.humon.node import Kind, Node
from engine.humon.problem import (
    InputError,
    Position,
    Problem,
    ProblemCollector,
    Severity,
    excerpt_of,
    joined,
    shared,
)
from engine.humon.values import (
    Place,
    boolean,
    choice,
    expect,
    failure,
    integer,
    misspelt,
    named,
    nearest,
    number,
    plain,
    required,
    suggestion,
    text,
    texts,
    vector,
    with_article,
)
from engine.humon.writer import write

__all__ = [
    "Code",
    "Document",
    "Edits",
    "InputError",
    "Kind",
    "Node",
    "Place",
    "Position",
    "Problem",
    "ProblemCode",
    "ProblemCollector",
    "Severity",
    "boolean",
    "choice",
    "excerpt_of",
    "expect",
    "failure",
    "format_document",
    "integer",
    "joined",
    "misspelt",
    "named",
    "nearest",
    "number",
    "parse",
    "plain",
    "read",
    "required",
    "shared",
    "suggestion",
    "text",
    "texts",
    "vector",
    "with_article",
    "write",
]
