"""Retired words: names and sentences use the vocabulary of ARCHITECTURE.md, not the words it replaced."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

# Words in an identifier, however they are joined (`take_back`, `TakeBack`), and what to write instead.
# With a capital letter it is the whole identifier.
RETIRED_NAMES = {
    "anew": "again",
    "asker": "requester",
    "askers": "requesters",
    "asks": "requests (a table of them is a request_table)",
    "Asking": "MemoryUser",
    "breakage": "broken_assets",
    "folds": "expanded nodes",
    "lasting": "device_recovery, or recovering",
    "make_do": "retry_with_less",
    "outline": "tree_rows",
    "postponed": "lazy_staging, or deferred",
    "resting": "in_flight_ranges",
    "Sight": "FrustumQuery",
    "spare": "eviction_candidate",
    "spares": "eviction_candidates",
    "stated": "requested, or request",
    "stating": "requirement_builders, or requesting",
    "take_back": "remove",
    "tell": "report, describe or estimate",
    "tells": "reports or describes",
    "told": "reported",
    "trouble": "diagnostics",
    "went_back": "rollbacks",
    "within": "budget_fallback (module), or what the value is",
    "Within": "BudgetFallback",
}
# Identifiers in which such a word has its ordinary meaning.
ALLOWED_NAMES = {
    "Outline": "the line around an object, a feature",
    "diorama_outline": "the package with that feature",
    "outline": "the line around an object or a mark",
    "plan_within_budget": "inside a limit",
    "within": "inside a range or, in test files, the tolerance of a colour",
    "_within": "inside a range",
    "WITHIN": "the default tolerance of a colour in test files",
}
# A sample of each retired phrase, the pattern that finds it, and what to write instead.
RETIRED_PHRASES = (
    ("made anew", r"anew", "again"),
    ("it is told", r"told", "reported, or called with"),
    ("it tells of them", r"tells?", "reports, describes or shows"),
    ("none but these", r"none\s+but", "only"),
    ("it is had", r"(?:is|are|be)\s+had", "a plain subject and verb: exists, is available"),
    ("part with a target", r"parts?\s+with\s+(?:an?|the|its?|them)", "release"),
    ("who asks for it", r"who\s+asks?", "the requester"),
    ("as one who needs it", r"as\s+one\s+who", "as a requester"),
    ("the asker of a page", r"askers?", "requester"),
    ("what was stated", r"stat(?:ed|ing)", "requested"),
    ("it states its needs", r"states\s+(?:its?|their)", "requests, or returns"),
    ("it is taken back", r"(?:take[ns]?|took|taking)\s+back", "remove"),
    ("Of what is left", r"(?-i:Of\s+what)", "a plain subject and verb"),
)
WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
PHRASES = tuple(
    (re.compile(rf"\b{pattern}\b", re.IGNORECASE), write) for _, pattern, write in RETIRED_PHRASES
)
# Only files that hold one of these at all are looked at closely: one pass over a text takes less than many.
ANY_PHRASE = re.compile(rf"\b(?:{'|'.join(pattern for _, pattern, _ in RETIRED_PHRASES)})\b", re.IGNORECASE)
ANY_WORD = re.compile(r"[^\W\d]\w*")

FOLDERS = ("engine", "features", "viewer", "tests", "tools", "scenes", "assets", "docs", ".ci")
PROSE = {".md", ".hu", ".sh", ".toml", ".glsl", ""}


def files(root: Path) -> list[Path]:
    """Return the files of the project that people write: sources, documents, scenes, scripts."""
    found = [path for folder in FOLDERS for path in sorted((root / folder).rglob("*")) if path.is_file()]
    found += [path for path in sorted(root.iterdir()) if path.is_file() and not path.name.startswith(".")]
    kinds = PROSE | {".py"}
    return [path for path in found if path.suffix in kinds and path.name not in ("test_words.py", "LICENSE")]


def names_in(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield every identifier of a module that it defines or uses, with its line."""
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                yield name, line
            case ast.keyword(arg=str(name)) | ast.alias(asname=str(name)):
                yield name, line
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name, line


@cache
def retired_in(name: str) -> list[str]:
    """Return the retired names in an identifier."""
    if name in ALLOWED_NAMES:
        return []
    words = f"_{'_'.join(WORDS.findall(name))}_".lower()
    return [
        retired
        for retired in RETIRED_NAMES
        if (name == retired if retired[0].isupper() else f"_{retired}_" in words)
    ]


def wrong_names(text: str, module: str, shown: str) -> list[str]:
    """List the retired names in a module's name and in its text, with file and line."""
    is_used = any(map(retired_in, set(ANY_WORD.findall(text))))
    found = [(module, 1), *(names_in(ast.parse(text)) if is_used else ())]
    return [
        f"{shown}:{line}: '{name}': '{retired}' is retired, write {RETIRED_NAMES[retired]}"
        for name, line in dict.fromkeys(found)
        if not (name.startswith("test_") and "within" in name)  # a claim is a sentence
        for retired in retired_in(name)
    ]


def sentences_of(text: str) -> Iterator[tuple[str, int]]:
    """Yield the strings with white space in a module, docstrings among them, and its comments, with lines."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield node.value, node.lineno
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.string, token.start[0]


def wrong_phrases(text: str, is_python: bool, shown: str) -> list[str]:
    """List the retired phrases in the prose of a file, with file and line; they may span lines."""
    if not ANY_PHRASE.search(text):
        return []
    prose = sentences_of(text) if is_python else ((text, 1),)
    return [
        f"{shown}:{line + part.count(chr(10), 0, found.start())}: '{found[0]}' is retired, write {write}"
        for part, line in prose
        for phrase, write in PHRASES
        for found in phrase.finditer(part)
    ]


def wrong_words(path: Path, root: Path) -> list[str]:
    text, shown = path.read_text(encoding="utf-8", errors="replace"), str(path.relative_to(root))
    is_python = path.suffix == ".py"
    names = wrong_names(text, path.stem, shown) if is_python else []
    return names + wrong_phrases(text, is_python, shown)


def test_no_retired_word_is_used(root: Path) -> None:
    wrong = [line for path in files(root) for line in wrong_words(path, root)]
    assert not wrong, "\n".join([f"{len(wrong)} retired words:", *wrong])


@pytest.mark.parametrize("sample", [sample for sample, _, _ in RETIRED_PHRASES])
@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('"""A module.\n\n{}.\n"""\n', 3),
        ("\nfound = 0  # {}\n", 2),
        ("\n\nprint(f'{{found}}: {}')\n", 3),
        ("\ndef run():\n    raise ValueError('{}')\n", 3),
    ],
)
def test_a_retired_phrase_is_found_in_docstrings_comments_and_messages(
    sample: str, text: str, line: int
) -> None:
    (found,) = wrong_phrases(text.format(sample), True, "a.py")
    assert found.startswith(f"a.py:{line}: ")


@pytest.mark.parametrize("sample", [sample for sample, _, _ in RETIRED_PHRASES])
def test_a_retired_phrase_is_found_in_a_document_also_over_two_lines(sample: str) -> None:
    for text in (f"# A page\n\n{sample}\n", "# A page\n\n" + sample.replace(" ", "\n    ")):
        (found,) = wrong_phrases(text, False, "a.md")
        assert found.startswith(("a.md:3: ", "a.md:4: ", "a.md:5: "))


@pytest.mark.parametrize("retired", RETIRED_NAMES)
def test_a_retired_name_is_found_wherever_it_is_an_identifier(retired: str) -> None:
    if not retired[0].isupper():
        camel = "".join(word.title() for word in retired.split("_"))
        assert retired_in(f"is_{retired}_now") == retired_in(f"_Last{camel}") == [retired]
        retired = f"a_{retired}"
    uses = (
        f"{retired} = 1",
        f"value.{retired}",
        f"def run({retired}): pass",
        f"run({retired}=1)",
        f"def {retired}(): pass",
        f"class {retired}: pass",
        f"import os as {retired}",
    )
    assert [use for use in uses if not wrong_names(use, "module", "a.py")] == []
    assert wrong_names("", retired, "a.py")


def test_ordinary_words_are_not_found() -> None:
    text = (
        '"""It stays within a state, and asks the user; part with care."""\n\nis_within = taken = back = 0\n'
    )
    assert wrong_phrases(text, True, "a.py") == []
    assert wrong_names("forestalled = sights = state = retold = 0", "module", "a.py") == []
