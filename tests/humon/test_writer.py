"""Written values are read back unchanged, and equal values give equal texts."""

import enum

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.humon_texts import words

from engine.humon import InputError, number, parse, plain, vector, write
from engine.humon.limits import MAX_DEPTH

keys = words.filter(lambda key: not key.startswith("@"))
tags = words.map(lambda key: f"@{key}")
texts = words | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


def containers(inner: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    metatags, members = st.dictionaries(tags, words, max_size=2), st.dictionaries(keys, inner, max_size=4)
    return st.lists(inner, max_size=4) | st.builds(lambda first, then: first | then, metatags, members)


values = st.recursive(texts, containers, max_leaves=20)


def written(value: object) -> str:
    text = write(value)
    assert text.endswith("\n")
    return text


@given(values)
def test_written_values_are_read_back(value: object) -> None:
    assert plain(parse(written(value), "f.hu").root) == value
    assert plain(parse(write(value, braces=True), "f.hu").root) == value
    assert plain(parse(write(value, width=10).encode(), "f.hu").root) == value


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**30), 10**30), max_size=40)
)
def test_numbers_are_written_exactly(numbers: list[float]) -> None:
    assert vector(parse(write({"n": numbers}), "f.hu").root["n"]) == tuple(map(float, numbers))


def test_layout_follows_the_conventions_of_the_project() -> None:
    feature = {"@type": "visibleModel", "enabled": True, "asset": ["assetDb0", 0]}
    cube = {"translation": (0, 0.5, 0), "features": [feature], "objects": {}}
    assert written({"tableau": {"name": "a b", "objects": {"cube": cube}}}) == (
        "tableau: {\n"
        '    name: "a b"\n'
        "    objects: {\n"
        "        cube: {\n"
        "            translation: [0 0.5 0]\n"
        "            features: [\n"
        "                { @type: visibleModel  enabled: true  asset: [assetDb0 0] }\n"
        "            ]\n"
        "            objects: { }\n"
        "        }\n"
        "    }\n"
        "}\n"
    )


def test_metatag_follows_the_bracket_and_long_lists_are_filled() -> None:
    text = written({"a": {"@type": "mesh", "b": {"c": {"d": 1}}, "numbers": list(range(60))}})
    assert text.startswith("a: { @type: mesh\n    b: { c: { d: 1 } }\n    numbers: [\n        0 1 2 3")
    assert max(map(len, text.splitlines())) <= 100
    assert write({"@type": "scene", "a": 1}) == "@type: scene\na: 1\n"
    assert write({"@type": "scene"}) == "{ @type: scene }\n"


def test_numpy_scalars_and_str_enums_are_plain_values() -> None:
    class Format(enum.StrEnum):
        RGBA = "r8g8b8a8_unorm"

    value = {"i": np.int64(3), "f": np.float32(0.5), "e": Format.RGBA, "b": False}
    assert written(value) == "i: 3\nf: 0.5\ne: r8g8b8a8_unorm\nb: false\n"


@pytest.mark.parametrize(
    "text",
    ["", "a b", "a:b", "[", "'", '"', "'\"", "'\"`", "'\"`^", "^a", "// x", "a//b", "é\u3000", "\ufeff"],
)
def test_text_is_quoted_if_it_cannot_be_a_bare_word(text: str) -> None:
    root = parse(write({text: [text]}), "f.hu").root
    assert plain(root) == {text: [text]}


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (None, TypeError),
        ({"a": {1: 2}}, TypeError),
        ({"@type": ["a"]}, TypeError),
        ([b"a"], TypeError),
        ([float("nan")], ValueError),
        ([float("inf")], ValueError),
        (["a\0"], ValueError),
        (["\ud800"], ValueError),
    ],
)
def test_values_that_humon_cannot_represent_are_rejected(value: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        write(value)


def nested(depth: int) -> object:
    value: object = []
    for _ in range(depth - 1):
        value = [value]
    return value


def test_deepest_nesting_that_is_written_can_be_read() -> None:
    assert plain(parse(write(nested(MAX_DEPTH)), "f.hu").root) == nested(MAX_DEPTH)
    with pytest.raises(ValueError, match="deeper"):
        write(nested(MAX_DEPTH + 1))
    deep = {"a": nested(MAX_DEPTH - 1)}
    assert plain(parse(write(deep), "f.hu").root) == deep
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(ValueError, match="deeper"):
        write(endless)


def test_number_written_by_a_bool_is_no_number() -> None:
    with pytest.raises(InputError):
        number(parse(write({"a": True}), "f.hu").root["a"])
