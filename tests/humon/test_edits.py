"""Edits change the requested values and nothing else in the text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.humon_texts import Tree, comments, documents, tree, words

from engine.humon import Document, Kind, Node, parse, plain

SCENE = """\
// a scene
tableau: {
\tname: cubeView, /* the name */
    objects: {
        cube: {   // in the middle
            translation: [0 0.5 0]          // metres
            features: [
                { @type: visibleModel  enabled: true   asset: [assetDb0 0] }
                { @type: shadowCaster } // no fields yet
            ]
        }
    }
}
"""


def scene() -> tuple[Document, Node]:
    document = parse(SCENE, "scene.hu")
    return document, document.root["tableau"]["objects"]["cube"]


def nodes(node: Node) -> list[Node]:
    return [node, *(found for child in node for found in nodes(child))]


def changed(tree_: Tree, path: tuple[int, ...], change: "st.SearchStrategy[Tree] | object") -> Tree:
    """Return the tree with the node at `path` replaced by `change`, or removed if that is None."""
    kind, content, tags = tree_
    children = [child for _, child in content] if kind == "dict" else list(content)
    keys = [key for key, _ in content] if kind == "dict" else [None] * len(children)
    at = path[0]
    if len(path) > 1:
        children[at] = changed(children[at], path[1:], change)
    elif change is None:
        del children[at], keys[at]
    else:
        children[at] = change
    return (kind, tuple(zip(keys, children, strict=True)) if kind == "dict" else tuple(children), tags)


def paths(tree_: Tree) -> list[tuple[int, ...]]:
    kind, content, _ = tree_
    if kind == "value":
        return []
    children = [child for _, child in content] if kind == "dict" else content
    return [
        path for at, child in enumerate(children) for path in [(at,), *((at, *rest) for rest in paths(child))]
    ]


def at(document: Document, path: tuple[int, ...]) -> Node:
    node = document.root
    for step in path:
        node = list(node)[step]
    return node


def subtree(tree_: Tree, path: tuple[int, ...]) -> Tree:
    for step in path:
        tree_ = tree_[1][step][1] if tree_[0] == "dict" else tree_[1][step]
    return tree_


def test_replacing_a_value_changes_only_its_characters() -> None:
    document, cube = scene()
    enabled = cube["features"][0]["enabled"]
    assert document.replace(enabled, False) == SCENE.replace("enabled: true", "enabled: false")
    assert document.replace(cube["translation"][1], 2.5) == SCENE.replace("0 0.5 0", "0 2.5 0")
    assert document.replace(enabled, "true") == SCENE


def test_replacing_a_list_of_equal_length_keeps_its_spacing() -> None:
    document = parse("a: [ 1  2 // two\n 3 ]", "f.hu")
    assert document.replace(document.root["a"], [4, 2, 6]) == "a: [ 4  2 // two\n 6 ]"
    assert document.replace(document.root["a"], [4, 5]) == "a: [4 5]"
    assert document.replace(document.root["a"], {"b": [1, "c d"]}) == 'a: { b: [1 "c d"] }'


def test_several_edits_are_applied_together() -> None:
    document, cube = scene()
    changes = [(cube["translation"][at], at) for at in (2, 0, 1)]
    assert document.edit(changes) == SCENE.replace("[0 0.5 0]", "[0 1 2]")


def test_metatag_can_be_replaced() -> None:
    document, cube = scene()
    kind = cube["features"][1].metatag("type")
    assert kind is not None
    assert document.replace(kind, "light") == SCENE.replace("shadowCaster", "light")


@given(documents(), words, st.data())
def test_replacing_any_value_changes_nothing_else(
    drawn: tuple[str, Tree], new: str, data: st.DataObject
) -> None:
    document = parse(drawn[0], "f.hu")
    values = [path for path in paths(drawn[1]) if subtree(drawn[1], path)[0] == "value"]
    if not values:
        return
    path = data.draw(st.sampled_from(values))
    node = at(document, path)
    start, end = node.span
    text = document.replace(node, new)
    assert text.startswith(document.text[:start])
    assert text.endswith(document.text[end:])
    after = parse(text, "f.hu")
    assert tree(after.root) == changed(drawn[1], path, ("value", new, subtree(drawn[1], path)[2]))
    assert comments(after) == comments(document)


@given(documents(), st.data())
def test_replacing_any_node_by_a_new_one_leaves_the_others(
    drawn: tuple[str, Tree], data: st.DataObject
) -> None:
    document = parse(drawn[0], "f.hu")
    places = paths(drawn[1])
    if not places:
        return
    path = data.draw(st.sampled_from(places))
    after = parse(document.replace(at(document, path), {"k": ["a b", 1]}), "f.hu")
    expected = plain(parse("{ k: ['a b' 1] }", "f.hu").root)
    assert [plain(child) for child in [at(after, path)]] == [expected | dict(tags_of(after, path))]
    assert [p for p in paths(tree(after.root)) if p[: len(path)] != path] == [
        p for p in places if p[: len(path)] != path
    ]


def tags_of(document: Document, path: tuple[int, ...]) -> list[tuple[str, str]]:
    return [(f"@{key}", text) for key, text in at(document, path).metatags.items()]


@given(documents(), words, words, st.data())
def test_inserting_into_any_dict_adds_the_pair_and_nothing_else(
    drawn: tuple[str, Tree], key: str, new: str, data: st.DataObject
) -> None:
    document = parse(drawn[0], "f.hu")
    dicts = [node for node in nodes(document.root) if node.kind is Kind.DICT and key not in node]
    if not dicts:
        return
    number = data.draw(st.integers(0, len(dicts) - 1))
    text = document.edits().insert(dicts[number], key, [new, "inserted"]).apply()
    after = parse(text, "f.hu")
    inserted = [node for node in nodes(after.root) if node.kind is Kind.DICT and key in node]
    owner = next(
        node
        for node in inserted
        if plain(node[key]) == [new, "inserted"] and list(node.items())[-1][0] == key
    )
    assert comments(after) == comments(document)
    assert tree(parse(after.edits().remove(owner[key]).apply(), "f.hu").root) == drawn[1]


@given(documents(), st.data())
def test_removing_any_child_leaves_the_rest(drawn: tuple[str, Tree], data: st.DataObject) -> None:
    document = parse(drawn[0], "f.hu")
    places = paths(drawn[1])
    if not places:
        return
    path = data.draw(st.sampled_from(places))
    node = at(document, path)
    if len(document.root) == len(path) == 1 and document.text[document.root.span[0]] not in "{[":
        return  # a root without braces and without children is no document
    text = document.edits().remove(node).apply()
    expected = changed(drawn[1], path, None)
    assert tree(parse(text, "f.hu").root) == expected
    if not node.metatags and node.kind is Kind.VALUE and node.key is None:
        assert comments(parse(text, "f.hu")) == comments(document)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a: { b: 1 }", "a: { b: 1  new: 2 }"),
        ("a: {b: 1}", "a: {b: 1  new: 2}"),
        ("a: {}", "a: { new: 2 }"),
        ("a: { }", "a: { new: 2 }"),
        ("a: { @type: t }", "a: { @type: t new: 2 }"),
        ("a: {\n    b: 1\n}", "a: {\n    b: 1\n    new: 2\n}"),
        ("a: {\n\tb: 1, // one\n}", "a: {\n\tb: 1, // one\n\tnew: 2\n}"),
        ("a: {\r\n  b: 1 @u: m /* x */\r\n}", "a: {\r\n  b: 1 @u: m /* x */\r\n  new: 2\r\n}"),
        ("a: {\n    b: { c: 1\n         d: 2 }\n}", "a: {\n    b: { c: 1\n         d: 2 }\n    new: 2\n}"),
        ("  a: {\n  }", "  a: {\n      new: 2\n  }"),
        ("a: { // c\n}", "a: { // c\n    new: 2\n}"),
    ],
)
def test_inserted_pair_follows_the_layout_of_its_dict(before: str, after: str) -> None:
    document = parse(before, "f.hu")
    assert document.edits().insert(document.root["a"], "new", 2).apply() == after


def test_pair_is_inserted_into_a_root_without_braces() -> None:
    document = parse("a: 1 // one", "f.hu")
    assert document.edits().insert(document.root, "b", "x y").apply() == 'a: 1 // one\nb: "x y"'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a: { b: 1  c: 2 }", "a: { c: 2 }"),
        ("a: {\n    b: 1\n    c: 2\n}", "a: {\n    c: 2\n}"),
        ("a: {\n    b: 1 // one\n    c: 2\n}", "a: {\n    // one\n    c: 2\n}"),
        ("a: { b: {\n  x: 1 } @u: m, c: 2 }", "a: { c: 2 }"),
        ("a: { c: 2  b: 1 }", "a: { c: 2  }"),
        ("a: { c: 2\n     b: 1 }", "a: { c: 2\n     }"),
    ],
)
def test_removing_a_child_removes_its_line_but_no_comment(before: str, after: str) -> None:
    document = parse(before, "f.hu")
    assert document.edits().remove(document.root["a"]["b"]).apply() == after


def test_flag_whose_key_is_absent_is_inserted() -> None:
    document, cube = scene()
    text = document.edits().insert(cube["features"][1], "active", False).apply()
    assert text == SCENE.replace("@type: shadowCaster }", "@type: shadowCaster active: false }")


def test_overlapping_edits_are_rejected() -> None:
    document, cube = scene()
    edits = document.edits().replace(cube["translation"][0], 1).remove(cube["translation"])
    with pytest.raises(ValueError, match="same place"):
        edits.apply()


def test_inserting_an_existing_key_is_rejected() -> None:
    document, cube = scene()
    with pytest.raises(ValueError, match="features"):
        document.edits().insert(cube, "features", 1)
    with pytest.raises(ValueError, match="not a dict"):
        document.edits().insert(cube["features"], "x", 1)


def test_word_that_replaces_a_list_is_separated_from_its_neighbours() -> None:
    document = parse("['a'[1]b/**/[2]'c']", "f.hu")
    text = document.edit([(document.root[1], 5), (document.root[3], "d")])
    assert plain(parse(text, "f.hu").root) == ["a", "5", "b", "d", "c"]


def test_word_is_separated_from_a_comment_after_it() -> None:
    document = parse("[a// x\nb/* y */]", "f.hu")
    text = document.edit([(document.root[0], "c/"), (document.root[1], "d/")])
    assert plain(parse(text, "f.hu").root) == ["c/", "d/"]
    assert text == '["c/"// x\n"d/"/* y */]'


MOVED = """\
objects: {
    // keeps its
    // comments
    a: {        // first
        text: "two
    lines"
        objects: { b: { x: 1 } }   // inside
    }   // last
    c: {
        d: { y: 2 }
    }
}
"""


def test_what_is_cut_out_takes_its_comments_and_its_changes_along() -> None:
    document = parse(MOVED, "f.hu")
    objects = document.root["objects"]
    edits = document.edits()
    edits.rename(objects["a"], "a b").replace(objects["a"]["objects"]["b"]["x"], 5)
    inner = edits.cut(objects["a"]["objects"]["b"], objects["a"]["objects"])
    edits.rename(objects["a"]["objects"]["b"], "z")
    cut = edits.cut(objects["a"], objects)
    assert edits.apply() == "objects: {\n    c: {\n        d: { y: 2 }\n    }\n}\n"
    assert inner.source == "z: { x: 5 }"
    after = parse(edits.apply(), "f.hu")
    placed = after.edits().insert_cut(after.root["objects"]["c"]["d"], cut)
    text = placed.insert_cut(after.root["objects"]["c"], inner).apply()
    assert (
        text
        == """\
objects: {
    c: {
        d: { y: 2
            // keeps its
            // comments
            "a b": {        // first
                text: "two
    lines"
                objects: { }   // inside
            }   // last
        }
        z: { x: 5 }
    }
}
"""
    )


@given(documents(), st.data())
def test_a_child_that_is_cut_out_and_inserted_again_leaves_all_as_it_was(
    drawn: tuple[str, Tree], data: st.DataObject
) -> None:
    document = parse(drawn[0], "f.hu")
    dicts = [node for node in nodes(document.root) if node.kind is Kind.DICT and len(node)]
    if not dicts or (len(document.root) == 1 and document.text[document.root.span[0]] not in "{["):
        return  # a root without braces and without children is no document
    parent = dicts[data.draw(st.integers(0, len(dicts) - 1))]
    key = data.draw(st.sampled_from(sorted(parent.keys())))
    path = path_of(document.root, parent)
    edits = document.edits()
    cut = edits.cut(parent[key], parent)
    rest = parse(edits.apply(), "f.hu")
    after = parse(rest.edits().insert_cut(at(rest, path), cut).apply(), "f.hu")
    assert sorted(comments(after)) == sorted(comments(document))
    assert plain(after.root) == plain(document.root)
    assert list(at(after, path).keys())[-1] == key


@pytest.mark.parametrize("there", ["c: { x: 1 }", "c: { }  // the one", "// none", ""])
@pytest.mark.parametrize("is_first", [False, True])
def test_what_is_inserted_behind_a_cut_that_ends_in_a_line_comment_is_no_part_of_it(
    there: str, is_first: bool
) -> None:
    document = parse(MOVED, "f.hu")
    edits = document.edits()
    cut = edits.cut(document.root["objects"]["a"], document.root["objects"])
    edits.apply()
    after = parse(f"objects: {{ {there}\n}}", "g.hu")
    objects = after.root["objects"]
    placed = after.edits().insert_cut(objects, cut, first=is_first).insert(objects, "d", {}, first=is_first)
    again = parse(placed.insert(objects, "e", {"y": 2}, first=is_first).apply(), "g.hu")
    old = ["c"] if there.startswith("c") else []
    assert list(again.root["objects"].keys()) == (
        ["a", "d", "e", *old] if is_first else [*old, "a", "d", "e"]
    )
    assert sorted(comments(again)) == sorted([*comments(after), *comments(document)])


def path_of(root: Node, wanted: Node) -> tuple[int, ...]:
    if root == wanted:
        return ()
    for number, child in enumerate(root):
        if wanted in nodes(child):
            return (number, *path_of(child, wanted))
    raise AssertionError("not below")


def test_a_long_pair_is_inserted_as_lines() -> None:
    document = parse("objects: {\n    a: { }\n}", "f.hu")
    light = {"@type": "light", "color": [1, 0.5, 0.25], "intensity": 12}
    value = {"features": [light, light], "scale": [1, 2, 3]}
    text = document.edits().insert(document.root["objects"], "b", value).apply()
    assert text.splitlines()[2:5] == [
        "    b: {",
        "        features: [",
        "            { @type: light  color: [1 0.5 0.25]  intensity: 12 }",
    ]


@given(documents(), words, st.data())
def test_inserting_into_any_list_adds_the_entry_and_nothing_else(
    drawn: tuple[str, Tree], new: str, data: st.DataObject
) -> None:
    document = parse(drawn[0], "f.hu")
    lists = [node for node in nodes(document.root) if node.kind is Kind.LIST]
    if not lists:
        return
    number = data.draw(st.integers(0, len(lists) - 1))
    entries = list(lists[number])
    place = data.draw(st.integers(0, len(entries)))
    before = entries[place] if place < len(entries) else None
    text = document.edits().insert_item(lists[number], {"a": [new, "inserted"]}, before).apply()
    after = parse(text, "f.hu")
    owner = [node for node in nodes(after.root) if node.kind is Kind.LIST][number]
    assert plain(owner[place]) == {"a": [new, "inserted"]}
    assert comments(after) == comments(document)
    assert tree(parse(after.edits().remove(owner[place]).apply(), "f.hu").root) == drawn[1]


@pytest.mark.parametrize(
    ("text", "before", "after"),
    [
        ("a: []", None, "a: [ { b: 1 } ]"),
        ("a: [\n]", None, "a: [\n    { b: 1 }\n]"),
        ("a: [5] // c", None, "a: [5  { b: 1 }] // c"),
        ("a: [\n  5 // c\n]", None, "a: [\n  5 // c\n  { b: 1 }\n]"),
        ("a: [5 6]", 1, "a: [5 { b: 1 }  6]"),
        ("a: [\n  5\n  // c\n  6\n]", 1, "a: [\n  5\n  // c\n  { b: 1 }\n  6\n]"),
    ],
)
def test_an_entry_gets_a_line_where_its_neighbour_has_one(text: str, before: int | None, after: str) -> None:
    document = parse(text, "f.hu")
    node = document.root["a"]
    written = document.edits().insert_item(node, {"b": 1}, None if before is None else node[before]).apply()
    assert written == after


def test_an_entry_is_inserted_into_lists_only() -> None:
    document = parse("a: 5", "f.hu")
    with pytest.raises(ValueError, match="not a list"):
        document.edits().insert_item(document.root["a"], 1)
