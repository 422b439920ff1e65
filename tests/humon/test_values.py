"""Typed values are read from nodes, and wrong texts are reported."""

import math
from collections.abc import Iterator
from difflib import SequenceMatcher, get_close_matches
from enum import Enum, EnumType, IntEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.humon import (
    InputError,
    Kind,
    Node,
    boolean,
    choice,
    expect,
    integer,
    nearest,
    number,
    parse,
    required,
    suggestion,
    text,
    texts,
    vector,
)
from engine.humon.limits import MAX_SHOWN_NAMES, NEIGHBOURS


def value(source: str) -> Node:
    return parse(f"key: {source}", "f.hu").root["key"]


def refused(caught: "pytest.ExceptionInfo[InputError]") -> tuple[str, str]:
    (problem,) = caught.value.problems
    return problem.code, str(problem.position)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_finite_float_is_read_back(drawn: float) -> None:
    assert number(value(repr(drawn))) == drawn


@pytest.mark.parametrize(
    ("source", "expected"), [("1", 1), ("-.5", -0.5), ("+5.", 5), ("1e3", 1000), ("'2'", 2), ("0x", None)]
)
def test_number_is_a_decimal(source: str, expected: float | None) -> None:
    if expected is None:
        with pytest.raises(InputError, match=r"value\.number.*'key' must be a number"):
            number(value(source))
    else:
        assert number(value(source)) == expected


@pytest.mark.parametrize("source", ["abc", "1_0", "''", "1,5x", "٣", "0x10", "1e", "--1", "' 1'", "1f"])
def test_text_that_is_no_number_is_rejected(source: str) -> None:
    with pytest.raises(InputError) as caught:
        number(value(f"[{source}]")[-1])
    assert refused(caught)[0] == "value.number"


@pytest.mark.parametrize(
    "source", ["nan", "-inf", "Infinity", "1e999", "-1e999", "9" * 5000, "0." + "1" * 5000]
)
def test_number_that_is_not_finite_or_has_too_many_digits_is_out_of_range(source: str) -> None:
    for call in (
        lambda: number(value(source)),
        lambda: integer(value(source)),
        lambda: vector(value(f"[{source}]"), 1),
    ):
        with pytest.raises(InputError) as caught:
            call()
        assert refused(caught)[0] == "value.range"


def test_number_outside_its_bounds_is_rejected() -> None:
    assert number(value("1"), 1, 1) == 1
    assert integer(value("-7"), -7) == -7
    with pytest.raises(InputError, match="must be from 0 to 1, not 1"):
        number(value("1.5"), 0, 1)
    with pytest.raises(InputError, match="must be at least 1, not 0"):
        integer(value("0"), 1)
    with pytest.raises(InputError, match="must be at most 5, not 6"):
        integer(value("6"), maximum=5)


def test_integer_is_whole() -> None:
    assert integer(value("+12")) == 12
    with pytest.raises(InputError, match="must be a whole number, not"):
        integer(value("1.5"))


def test_boolean_is_true_or_false_only() -> None:
    assert boolean(value("true")) is True
    assert boolean(value("'false'")) is False
    for source in ("True", "1", "yes", "''"):
        with pytest.raises(InputError) as caught:
            boolean(value(source))
        assert refused(caught) == ("value.boolean", "f.hu:1:6")


@pytest.mark.parametrize(
    "source",
    ["[1 -2 3e1]", "[1, -2, 30]", "[1 /* y */ '-2' // z\n30]", "[1\t-2\r\n30.0 @unit: m]", "[ 1\u3000-2 30]"],
)
def test_vector_reads_every_notation_of_a_list(source: str) -> None:
    assert vector(value(source), 3) == (1.0, -2.0, 30.0)


@pytest.mark.parametrize(
    ("source", "code", "place"),
    [
        ("[1 2]", "value.count", "f.hu:1:6"),
        ("[]", "value.count", "f.hu:1:6"),
        ("[1 2 x]", "value.number", "f.hu:1:11"),
        ("[1 2 - ]", "value.number", "f.hu:1:11"),
        ("[1 2 inf]", "value.range", "f.hu:1:11"),
        ("[1 2 1e400]", "value.range", "f.hu:1:11"),
        ("[1 2 [3]]", "value.kind", "f.hu:1:11"),
        ("1", "value.kind", "f.hu:1:6"),
        ("'[1 2 3]'", "value.kind", "f.hu:1:6"),
        ("{ x: 1 }", "value.kind", "f.hu:1:6"),
    ],
)
def test_vector_reports_the_position_of_the_wrong_entry(source: str, code: str, place: str) -> None:
    with pytest.raises(InputError) as caught:
        vector(value(source), 3)
    assert refused(caught) == (code, place)


def test_single_number_is_no_vector() -> None:
    with pytest.raises(InputError, match="'key' must be a list"):
        vector(value("123"), 1)


@pytest.mark.parametrize("source", ["[1_0]", "[1 x]", "[٣]", "[1e]"])
def test_vector_is_as_strict_as_number(source: str) -> None:
    with pytest.raises(InputError, match=r"value\.number"):
        vector(value(source))


def test_vector_without_a_count_takes_any_length() -> None:
    assert vector(value("[]")) == ()
    assert vector(value("[" + "1 " * 1000 + "]")) == (1.0,) * 1000
    assert all(map(math.isfinite, vector(value("[1 2]"))))


class Stage(IntEnum):
    VERTEX_SHADER_BIT = 1
    FRAGMENT_SHADER_BIT = 16


class Projection(Enum):
    PERSPECTIVE = "perspective"
    ORTHO = "orthographic"


def test_choice_takes_enums_mappings_and_names() -> None:
    assert choice(value("fragment_shader_bit"), Stage) is Stage.FRAGMENT_SHADER_BIT
    assert choice(value("orthographic"), Projection) is Projection.ORTHO
    assert choice(value("b"), {"a": 1, "b": 2}) == 2
    assert choice(value("x"), ("x", "y")) == "x"


class Counted(EnumType):
    walks = 0

    def __iter__(cls) -> Iterator[Enum]:
        cls.walks += 1
        return super().__iter__()


class Topology(Enum, metaclass=Counted):
    TRIANGLES = "triangles"
    LINES = "lines"


def test_names_of_an_enum_are_listed_once_for_all_values() -> None:
    before = Topology.walks
    read = [choice(value(name), Topology) for name in ("lines", "triangles") * 50]
    assert read == [Topology.LINES, Topology.TRIANGLES] * 50
    assert Topology.walks - before <= 1


def test_unknown_choice_suggests_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'vertex_shader_bit'") as caught:
        choice(value("vertex_shadr_bit"), Stage)
    assert refused(caught) == ("value.choice", "f.hu:1:6")
    with pytest.raises(InputError, match="known: orthographic, perspective"):
        choice(value("zzz"), Projection)


def test_nearest_ignores_case_and_may_find_nothing() -> None:
    assert nearest("SHADOWCASTER", ["visibleModel", "shadowCaster"]) == "shadowCaster"
    assert nearest("zzz", ["visibleModel", "shadowCaster"]) is None
    assert nearest("x", []) is None


@given(st.text("abC1_", max_size=8), st.lists(st.text("abC1_", max_size=8)))
def test_nearest_is_the_close_match_of_the_standard_library(name: str, known: list[str]) -> None:
    found = get_close_matches(name.lower(), [each.lower() for each in known], 1, 0.6)
    expected = next((each for each in known if each.lower() == found[0]), None) if found else None
    assert nearest(name, known) == expected


def test_texts_reads_every_notation_of_a_list() -> None:
    for source in ("[db cube]", "[ db, cube ]", "[db 'cube']", "[db // one\n cube]", "{ a: db  b: cube }"):
        assert texts(value(source)) == ["db", "cube"]
    assert texts(value("[a/b c\u3000d]")) == ["a/b", "c", "d"]
    assert texts(value("[]")) == texts(value("word")) == []
    with pytest.raises(InputError) as caught:
        texts(value("[a [b]]"))
    assert refused(caught) == ("value.kind", "f.hu:1:9")


def test_texts_makes_no_rows_for_bare_words() -> None:
    node = value("[db cube]")
    rows = len(node.document.columns)
    assert texts(node) == ["db", "cube"]
    assert len(node.document.columns) == rows


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("word", "word"),
        ("[a b]", "[a b]"),
        ("[[a b] c]", ("[a b]", "c")),
        ("['a' b]", ("'a'", "b")),
        ("[[[a]]]", None),
        ("[{ a: b }]", None),
        ("{ a: b }", None),
    ],
)
def test_lexemes_identify_what_is_nested_twice_at_most(source: str, expected: object) -> None:
    assert value(source).lexemes == expected


def test_required_and_expect_report_what_is_missing() -> None:
    node = value("{ a: 1 }")
    assert required(node, "a").text == "1"
    with pytest.raises(InputError, match="'key' has no 'b'"):
        required(node, "b")
    with pytest.raises(InputError, match="'key' must be a list"):
        expect(node, Kind.LIST)
    with pytest.raises(InputError, match="'key' must be a value"):
        text(node)


def test_of_many_names_the_nearest_is_found_among_those_that_begin_or_end_alike() -> None:
    names = [f"rock_{number:05d}_lod" for number in range(5000)]
    for name in names[::617]:
        typos = (name[1:], name[:-1], name.upper(), name.replace("ck", "kc"), name + "s", f"a{name}")
        assert [nearest(typo, names) for typo in typos] == [name] * len(typos)
    assert nearest("zzz", names) is None


def test_a_hint_lists_some_of_many_names_and_counts_the_others() -> None:
    names = [f"n{number:04d}" for number in range(100)]
    assert suggestion("zzz", names[::-1]) == f"known: {', '.join(names[:MAX_SHOWN_NAMES])} and 60 more"
    assert suggestion("zzz", names[:MAX_SHOWN_NAMES]) == f"known: {', '.join(names[:MAX_SHOWN_NAMES])}"


def test_a_hint_compares_few_of_many_names(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []
    plain = SequenceMatcher.set_seq1

    def counted(self: SequenceMatcher[str], name: str) -> None:
        compared.append(name)
        plain(self, name)

    monkeypatch.setattr(SequenceMatcher, "set_seq1", counted)
    nearest("rokc_00017_lod", [f"rock_{number:05d}_lod" for number in range(5000)])
    assert 0 < len(compared) <= 4 * NEIGHBOURS


@pytest.mark.parametrize(
    ("written", "plain"), [("٣", "3"), ("１.５", "1.5"), ("1_000", "1000"), ("-٠٫٥", "-0.5"), ("1e٣", "1e3")]
)
def test_other_digits_are_refused_with_the_number_in_plain_ones(written: str, plain: str) -> None:
    for read in (number, integer):
        with pytest.raises(InputError) as caught:
            read(parse(f"a: {written}", "x").root["a"])
        (problem,) = caught.value.problems
        assert (problem.code, problem.help) == ("value.number", f"write it with the digits 0 to 9: {plain}")


@pytest.mark.parametrize("text", ["a: 0,5", "{ a: 1 b: 2,25 }", "0,5", "a: -0,5"])
def test_a_decimal_comma_is_refused_with_a_hint(text: str) -> None:
    with pytest.raises(InputError, match="write decimals with a point"):
        parse(text, "x")


def test_a_decimal_comma_in_a_vector_is_refused_with_a_hint() -> None:
    with pytest.raises(InputError, match="write decimals with a point"):
        vector(parse("a: [0,5 1 1]", "x").root["a"], 3)
    assert vector(parse("a: [0,5,1]", "x").root["a"], 3) == (0, 5, 1)
