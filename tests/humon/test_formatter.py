"""Formatting is idempotent and loses nothing."""

import pytest
from hypothesis import given
from support.humon_texts import Tree, comments, documents, tree

from engine.humon import format_document, parse


def formatted(text: str) -> str:
    return format_document(parse(text, "f.hu"))


@given(documents())
def test_formatted_text_reads_the_same_and_formats_to_itself(drawn: tuple[str, Tree]) -> None:
    document = parse(drawn[0], "f.hu")
    text = format_document(document)
    again = parse(text, "f.hu")
    assert tree(again.root) == drawn[1]
    assert sorted(comments(again)) == sorted(comments(document))
    assert format_document(again) == text


@given(documents())
def test_narrow_format_is_stable_too(drawn: tuple[str, Tree]) -> None:
    text = format_document(parse(drawn[0], "f.hu"), width=20)
    again = parse(text, "f.hu")
    assert tree(again.root) == drawn[1]
    assert format_document(again, width=20) == text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a:1,b:[1,2 ,3]", "a: 1\nb: [1 2 3]\n"),
        ("{a:{b:1,c:[ ]},d:{}}", "{ a: { b: 1  c: [] }  d: { } }\n"),
        ("{\na:1}", "{\n    a: 1\n}\n"),
        ("a:1\n\n\n\nb:2\n\n", "a: 1\n\nb: 2\n"),
        ("a: {\n\n  b: 1\n\n}", "a: {\n    b: 1\n}\n"),
        ("a:1// one\n//  two\nb:2/*x*/ c:3", "a: 1  // one\n//  two\nb: 2 /*x*/ c: 3\n"),
        ("a: { // one\n b: 1 }", "a: { // one\n    b: 1\n}\n"),
        ("m: [ 1 0 0\n0 1 0 // y\n 0 0 1 ]", "m: [\n    1 0 0\n    0 1 0  // y\n    0 0 1\n]\n"),
        ("[{ @type: mesh\nname: x},{@type:model name: y}]", None),
        ("a: 1 @unit:m b: 'x  y'", "a: 1 @unit: m\nb: 'x  y'\n"),
        ("a: // why\n 1", "// why\na: 1\n"),
        ("@ {type:scene}\na: ^^\n x^^", "@ { type: scene }\na: ^^\n x^^\n"),
        ("a: 1 // x\nbcd: 2 // y\n\ne: 3 // z", "a: 1    // x\nbcd: 2  // y\n\ne: 3  // z\n"),
        ("a: [\n1 // x\n] // y\nb: 2 // z", "a: [\n    1  // x\n]  // y\nb: 2  // z\n"),
        ("word // end", "word  // end\n"),
        ("a: 1\r\nb: 2\r\n", "a: 1\nb: 2\n"),
    ],
)
def test_layout_follows_the_rules(before: str, after: str | None) -> None:
    expected = "[\n    { @type: mesh\n        name: x\n    }\n    { @type: model  name: y }\n]\n"
    assert formatted(before) == (after or expected)


def test_too_long_dict_gets_a_line_per_node_and_a_long_list_is_filled() -> None:
    text = formatted(f"{{ a: {'x' * 60}  b: {'y' * 60}  c: [ {'1234 ' * 50}] }}")
    assert text.splitlines()[:4] == ["{", f"    a: {'x' * 60}", f"    b: {'y' * 60}", "    c: ["]
    assert max(map(len, text.splitlines())) <= 100
    assert formatted(text) == text


def test_formatting_takes_time_in_proportion_to_the_length() -> None:
    text = "a: [\n" + "  { x: [1 2 3] // c\n y: 'z' }\n" * 3000 + "]\n"
    assert formatted(formatted(text)).count("// c") == 3000


def test_deepest_nesting_is_formatted() -> None:
    text = "[\n" * 256 + "]" * 256
    assert formatted(text).count("[") == 256
