"""Reading valid text."""

import json
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from support.humon_texts import Tree, documents, tree

from engine.humon import Document, InputError, Kind, parse, plain
from engine.humon.limits import MAX_PROBLEMS


def read(text: str) -> object:
    return plain(parse(text, "f.hu").root)


@given(documents())
def test_every_valid_text_reads_as_the_tree_it_was_made_from(drawn: tuple[str, Tree]) -> None:
    text, meant = drawn
    assert tree(parse(text, "f.hu").root) == meant


def test_root_braces_may_be_omitted() -> None:
    assert read("a: 1\nb: [2 3]") == read("{ a: 1 b: [2 3] }") == {"a": "1", "b": ["2", "3"]}


@pytest.mark.parametrize(
    ("text", "root"), [("word", "word"), ("[ ]", []), ("{ }", {}), ("'a b' // c", "a b")]
)
def test_root_may_be_any_node(text: str, root: object) -> None:
    assert read(text) == root


def test_commas_are_white_space() -> None:
    assert read("[,a,,b , { x: 1, y: 2, },]") == ["a", "b", {"x": "1", "y": "2"}]


def test_json_without_escapes_is_humon() -> None:
    value = {"a": ["1", "2", {"b c": "d"}], "e": {}, "f": []}
    assert read(json.dumps(value)) == value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a\"b c'd e`f g^h^", ['a"b', "c'd", "e`f", "g^h^"]),
        ("a/b ../c /d a//b\nc/*x*/d/", ["a/b", "../c", "/d", "a", "c", "d/"]),
        ("-1.5e3 #f00 a\\nb", ["-1.5e3", "#f00", "a\\nb"]),
    ],
)
def test_bare_word_ends_only_at_space_punctuation_or_comment(text: str, words: list[str]) -> None:
    assert read(f"[{text}]") == words


def test_quoted_value_ends_at_the_next_equal_quote() -> None:
    assert read("[\"a 'b' `c`\n{//}\" 'd\"' `e` '' \"x\"y]") == ["a 'b' `c`\n{//}", 'd"', "e", "", "x", "y"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('^^a ^ "b" ^^', 'a ^ "b" '),
        ("^END^ \t\n  line ^\n^END^", "  line ^\n"),
        ("^t^\r\na^t^", "a"),
        ("^t^ a\nb^t^", " a\nb"),
        ("^^^^", ""),
        ("^^\n\n^^", "\n"),
        ("^^,\n a^^", " a"),
        ("^^,\u3000,\u2028a^^", "a"),
        ("^^\x85a^^", "a"),
        ("^^, a\n^^", ", a\n"),
        ("^a\nb^x^a^a\nb^", "x^a"),
    ],
)
def test_tag_quoted_value_ends_at_its_tag_and_drops_a_blank_first_line(text: str, value: str) -> None:
    assert read(text) == value


def test_comments_may_be_anywhere_between_tokens() -> None:
    assert read("/**/a/* : */ : // b\n [ /* 1 */ 2 // 3 ]\n ] /* ** */") == {"a": ["2"]}


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\v", "\f", "\x85", "\u2028", "\u2029"])
def test_line_comment_ends_at_every_line_break(end: str) -> None:
    assert read(f"[a // c [{end} b]") == ["a", "b"]
    assert read(f"a: // c{end}1 b: 2//{end}") == {"a": "1", "b": "2"}


def test_dict_keeps_its_order() -> None:
    assert [key for key, _ in parse("z: 1 a: 2 m: 3", "f.hu").root.items()] == ["z", "a", "m"]


def test_keys_may_be_quoted() -> None:
    assert read("'a b': 1 ^^c:^^: 2 \"\": 3") == {"a b": "1", "c:": "2", "": "3"}


def seed_like() -> Document:
    return parse(
        "assets: [\n\t{ @type: mesh name: cube\n},{ @type: model\n  name: x\n}, ]\n"
        "textures: [[albedo 8] [normal 9]]\nlength: 2 @unit: m\nlist: [ @ { a: 1, 'b': ^^2^^ } 3 ] @c: 4\n",
        "seed.hu",
    )


def test_metatag_belongs_to_the_node_it_is_in_or_after() -> None:
    root = seed_like().root
    assert [asset.type for asset in root["assets"]] == ["mesh", "model"]
    assert dict(root["length"].metatags) == {"unit": "m"}
    assert dict(root["list"].metatags) == {"a": "1", "b": "2", "c": "4"}
    assert root["textures"].type is None
    assert plain(root["textures"]) == [["albedo", "8"], ["normal", "9"]]


def test_metatag_before_the_root_belongs_to_it() -> None:
    assert parse("@type: scene { a: 1 }", "f.hu").root.type == "scene"
    assert parse("@type: scene a: 1", "f.hu").root.type == "scene"
    assert parse("@type: scene", "f.hu").root.kind is Kind.DICT


@pytest.mark.parametrize(
    ("text", "value", "tags"),
    [
        ("{ a @x: y : 1 }", "1", {"x": "y"}),
        ("{ a: @x: y 1 }", "1", {"x": "y"}),
        ("{ a @x: y @ { b: c } /* : */ : @z: ^^ : ^^ // \n 'd e' @last: 1 }", "d e", None),
        ("a @x: y : [1 2]", ["1", "2"], {"x": "y"}),
        ("a: @x: y [{ b: 1 }]", [{"b": "1"}], {"x": "y"}),
        ("a @x: y : { @z: 1 }", {"@x": "y", "@z": "1"}, {"x": "y", "z": "1"}),
        ("'a' @'x y': 2 : @z: 1 { b: c }", {"@x y": "2", "@z": "1", "b": "c"}, None),
    ],
)
def test_metatags_may_stand_before_colon_and_value(
    text: str, value: object, tags: dict[str, str] | None
) -> None:
    root = parse(text, "f.hu").root
    assert list(root.keys()) == ["a"]
    assert plain(root["a"]) == value
    assert root["a"].metatags == (tags or root["a"].metatags)
    assert not root.metatags


def test_node_after_metatags_has_its_span_and_position() -> None:
    document = parse("b: 0\na @x: y : @ { z: 1 } [ 2 [3] ] @w: 4\nc: 5", "f.hu")
    node = document.root["a"]
    assert node.text == "[ 2 [3] ]"
    assert (str(node.key_position), str(node.position)) == ("f.hu:2:1", "f.hu:2:22")
    assert str(node[1][0].position) == "f.hu:2:27"
    assert dict(node.metatags) == {"x": "y", "z": "1", "w": "4"}
    assert document.replace(node, 6) == document.text.replace("[ 2 [3] ]", "6")
    assert document.edits().remove(node).apply() == "b: 0\nc: 5"


def test_every_node_has_its_line_and_column_with_tabs_of_four() -> None:
    root = seed_like().root
    first = root["assets"][0]
    assert str(first.position) == "seed.hu:2:5"
    assert str(first["name"].position) == "seed.hu:2:25"
    assert str(first["name"].key_position) == "seed.hu:2:19"
    assert str(root["textures"][1][0].position) == "seed.hu:6:24"
    metatag = first.metatag("type")
    assert metatag is not None
    assert (metatag.text, str(metatag.position)) == ("mesh", "seed.hu:2:7")


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_all_line_breaks_are_recognized(line_break: str) -> None:
    assert str(parse(f"a: 1{line_break}{line_break}  b: 2", "f.hu").root["b"].position) == "f.hu:3:6"


def test_nodes_keep_their_document_alive() -> None:
    assert parse("a: { b: [1 2] }", "f.hu").root["a"]["b"][1].document.text == "a: { b: [1 2] }"


def test_many_threads_may_read_one_document() -> None:
    count, interval = 300, sys.getswitchinterval()
    root = parse("\n".join(f"[{n} {n + 1} {n + 2}]" for n in range(count)).join("[]"), "f.hu").root
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            seen = list(pool.map(lambda _: [[child.text for child in row] for row in root], range(8)))
    finally:
        sys.setswitchinterval(interval)
    assert seen == [[[str(n), str(n + 1), str(n + 2)] for n in range(count)]] * 8


def test_views_of_one_node_are_equal_and_true() -> None:
    root = parse("a: [1 1] b: { }", "f.hu").root
    assert root["a"][0] == root["a"][0]
    assert root["a"][0] != root["a"][1]
    assert len({root["a"], root["a"], root["b"]}) == 2
    assert root["b"]
    assert len(root["b"]) == 0


def test_missing_children_are_none_or_a_key_error() -> None:
    root = parse("a: [1]", "f.hu").root
    assert root.get("b") is None
    assert root["a"].get("b") is None
    assert "a" in root
    assert "b" not in root
    with pytest.raises(KeyError):
        root["b"]
    with pytest.raises(IndexError):
        root["a"][1]


def test_text_of_a_list_or_dict_is_its_source() -> None:
    root = parse("a: [1 /* x */ { b: ^^ ] ^^ }] c: [1  2]", "f.hu").root
    assert root["a"].text == "[1 /* x */ { b: ^^ ] ^^ }]"
    assert root["a"][1].text == "{ b: ^^ ] ^^ }"
    assert root["c"].text == "[1  2]"
    assert root["c"][1].text == "2"
    assert root["c"].text == "[1  2]"


def test_with_keep_first_a_key_given_twice_is_as_if_it_had_not_been() -> None:
    pairs = [
        ("{ a: 1  a: { b: 2 } c: 3 }", "{ a: 1 c: 3 }"),
        ("a: 1 b: { c: [{ x: 1 'x': [2 3] }] } a: {} d: 4", "a: 1 b: { c: [{ x: 1 }] } d: 4"),
        ("{ a: 1 a @type: b : 1 @u: c  c: 2 }", "{ a: 1 c: 2 }"),
        ("{ @type: a  @type: b  c: 1 }", "{ @type: a  c: 1 }"),
        ("[ 1 @u: a  2 @u: b @v: c @u: d ]", "[ 1 @u: a  2 @u: b @v: c ]"),
        ("{ a: { b: 1 b: 2 } a: { b: 3 b: 4 } }", "{ a: { b: 1 } }"),
    ]
    for text, first in pairs:
        document = parse(text, "f.hu", keep_first=True)
        assert tree(document.root) == tree(parse(first, "f.hu").root)
        found = document.repeated
        assert {problem.code for problem in found} == {"humon.duplicate"}
        assert {problem.help for problem in found} == {
            "keep one of the two, or rename one; the first is used now"
        }
        with pytest.raises(InputError) as caught:
            parse(text, "f.hu")
        assert [each.position for each in caught.value.problems] == [each.position for each in found]
        assert [each.message for each in caught.value.problems] == [each.message for each in found]


def test_with_keep_first_all_else_that_is_wrong_is_an_error_and_many_keys_are_counted() -> None:
    with pytest.raises(InputError) as caught:
        parse("{ a: 1 a: 2 3 }", "f.hu", keep_first=True)
    assert [problem.code for problem in caught.value.problems] == ["humon.duplicate", "humon.no_key"]
    document = parse("a: 1\n" * 200 + "b: 2", "f.hu", keep_first=True)
    assert plain(document.root) == {"a": "1", "b": "2"}
    assert len(document.repeated) == MAX_PROBLEMS + 1
    assert (
        document.repeated[-1].message
        == f"{199 - MAX_PROBLEMS} more keys are given twice; the first of each is used"
    )
