"""All problems are reported with their positions, and no input hangs or crashes the reader."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.humon_texts import HOSTILE, documents

from engine.humon import Code, Document, InputError, Position, Problem, ProblemCollector, Severity, parse
from engine.humon import limits as limits_module
from engine.humon.problem import excerpt_of


def outcome(text: str | bytes) -> Document | InputError:
    try:
        return parse(text, "f.hu")
    except InputError as error:
        return error


def problems(text: str | bytes) -> list[str]:
    """Return line, column and code of each problem: "1:8 duplicate"."""
    found = outcome(text)
    assert isinstance(found, InputError)
    return [f"{p.position} {p.code}".replace("f.hu:", "").replace("humon.", "") for p in found.problems]


def test_input_error_is_rendered_with_line_caret_and_help() -> None:
    source = "a: {\n        { @type: shadowCaster  enabled: true }\n}"
    document = parse(source.replace("{\n", "[\n").replace("}\n}", "}\n]"), "scenes/cube.hu")
    feature = document.root["a"][0].metatag("type")
    assert feature is not None
    problem = document.problem(
        "feature.requires", "needs visibleModel", feature, "add a visibleModel feature"
    )
    assert problem.render() == (
        "scenes/cube.hu:2:11: error[feature.requires]: needs visibleModel\n"
        "    { @type: shadowCaster  enabled: true }\n"
        "      ^\n"
        "help: add a visibleModel feature"
    )
    assert str(InputError([problem, problem])) == f"{problem.render()}\n{problem.render()}"


@pytest.mark.parametrize("end", ["\v", "\f", "\x85", "\u2028", "\u2029"])
def test_excerpt_is_one_line_whatever_ends_comments(end: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(f"// c{end}a: 1 a: 2", "f.hu")
    assert str(caught.value).split("\n")[1:3] == ["    // c\ufffda: 1 a: 2", " " * 14 + "^"]
    assert len(str(caught.value).splitlines()) == 4


def test_nothing_in_a_problem_controls_a_terminal_or_breaks_the_line_of_its_place() -> None:
    wild = "a\n\x1b[2J\u202e"
    shown = Problem("a.b", wild, Position(wild, 3, 4), wild, wild).render()
    assert shown.replace("\n", "").isprintable()
    assert shown.splitlines()[0] == "a\ufffd\ufffd[2J\ufffd:3:4: error[a.b]: a"


def test_warning_is_rendered_as_a_warning() -> None:
    assert Problem("a.b", "hm", severity=Severity.WARNING).render() == "warning[a.b]: hm"
    assert Problem("a.b", "hm", Position("f.hu")).render() == "f.hu: error[a.b]: hm"


def test_excerpt_points_below_tabs_and_into_long_lines() -> None:
    assert excerpt_of("\t\tab: \tx", 7) == "ab:     x\n        ^"
    shown, caret = excerpt_of("x" * 500 + "!" + "y" * 500, 500).splitlines()
    assert shown[len(caret) - 1] == "!"
    assert len(shown) <= limits_module.MAX_EXCERPT_CHARS


def test_control_characters_are_replaced() -> None:
    with pytest.raises(InputError) as caught:
        parse("a: b\x1b[31m: c\u202e 'd'", "f.hu")
    assert "\x1b" not in str(caught.value)
    assert "\u202e" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{ a: 1 a: 2 }", "1:8 duplicate"),
        ("a: 1\nb: { c: [{ x: 1 'x': 2 }] }\na: 2", "2:17 duplicate, 3:1 duplicate"),
        ("{ @type: a @ { type: b } }", "1:16 duplicate"),
        ("{ @type: a @type: b }", "1:12 duplicate"),
        ("[ 1 @u: a 2 @u: b @v: c @u: d ]", "1:25 duplicate"),
        ("{ a b: 1 [c] {} }", "1:3 no_key, 1:10 no_key, 1:14 no_key"),
        ("[ a: 1 b: {} c: [1] ]", "1:3 key_in_list, 1:8 key_in_list, 1:14 key_in_list"),
        ("{ a: }", "1:3 no_value"),
        ("a:\nb: 1", "1:1 no_value"),
        ("a: b: c: d", "1:1 no_value, 1:4 no_value"),
        ("a:", "1:1 no_value"),
        ("{ a: @type: b }", "1:3 no_value"),
        ("{ a @type: b : }", "1:3 no_value"),
        ("{ a @type: b : @c: d e: 1 }", "1:3 no_value"),
        ("{ a @type: b }", "1:3 no_key"),
        ("{ a @type: b : @type: c 1 }", "1:16 duplicate"),
        ("{ a: 1 a @type: b : 1 }", "1:8 duplicate"),
        ("[ a @type: b : 1 ]", "1:14 stray"),
        ("[ a: @type: b 1 ]", "1:3 key_in_list"),
        ("{ a: @type: b : 1 }", "1:3 no_value, 1:15 stray"),
        ("a @b: c : [ 1 2", "1:11 unclosed"),
        ("a: @b: c { d: @e: f [ 1 }", "1:21 unclosed"),
        ("{ a: [ 1 2", "1:1 unclosed, 1:6 unclosed"),
        ("{ a: [ 1 2 }", "1:6 unclosed"),
        ("a: [1 } b: 2", "1:7 stray"),
        ("a: 1 ]\nb: ", "1:6 stray, 2:1 no_value"),
        ("{ : }", "1:3 stray"),
        ("a: \"b\nc: 'd'\ne: `f", "1:4 unclosed, 3:4 unclosed"),
        ("a: ^t^ b\nc: ^u", "1:4 unclosed, 2:4 unclosed"),
        ("a: 1 /* b", "1:6 unclosed"),
        ("[ 1 @type 2 @: 3 @a: [4] ]", "1:5 metatag, 1:13 metatag, 1:18 metatag"),
        ("[ 1 @ { a } 2 @ { b: { } } @ { c: 1", "1:9 metatag, 1:19 metatag"),
        ("{ } a: 1", "1:5 after_root"),
        ("a ]", "1:3 after_root"),
        ("[ 1 ] @type: x }", "1:16 after_root"),
    ],
)  # fmt: skip
def test_each_mistake_is_reported_at_its_position(text: str, found: str) -> None:
    assert ", ".join(problems(text)).startswith(found)


def test_several_errors_of_one_file_are_reported_together_in_order() -> None:
    text = "a: 1\na: 2\nb: { c }\nd: [ e: 1 ]\nf:\n"
    assert problems(text) == ["2:1 duplicate", "3:6 no_key", "4:6 key_in_list", "5:1 no_value"]


def test_duplicate_key_is_reported_with_both_positions() -> None:
    with pytest.raises(InputError, match=r"f\.hu:3:2: .*'a'.*first at f\.hu:1:1"):
        parse("a: 1\nb: 2\n a: 3", "f.hu")


def test_nesting_beyond_the_limit_is_rejected_not_a_recursion_error() -> None:
    depth = limits_module.MAX_DEPTH
    assert parse("[" * depth + "]" * depth, "f.hu").root.kind.value == "list"
    assert parse("a: {" * depth + "}" * depth, "f.hu").root.get("a") is not None
    assert problems("[" * (depth + 1) + "]" * (depth + 1)) == [f"1:{depth + 1} depth"]
    assert problems("a: {" * (depth + 1) + "}" * (depth + 1)) == [f"1:{4 * depth + 1} depth"]
    for hostile in ("[" * 100_000, "[" * 100_000 + "]" * 100_000, "a: {" * 100_000, "[{b:" * 50_000):
        assert problems(hostile)[-1].endswith(" depth")


@pytest.mark.parametrize("text", ["[ a %s ]", "{ b a @ { %s }", "{ a %s : 1 }", "%s a: 1"])
def test_too_many_metatags_of_a_node_are_rejected(text: str) -> None:
    most = limits_module.MAX_METATAGS
    mark = "" if "@" in text else "@"
    tags = [f"{mark}{n}: x" for n in range(most + 1)]
    assert problems(text % " ".join(tags))[-1].endswith(" metatag")
    complete = text.replace("{ b a @ { %s }", "[ a @ { %s } ]")
    assert parse(complete % " ".join(tags[:-1]), "f.hu").root is not None


def test_too_large_text_is_rejected_by_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.humon.reader.MAX_FILE_BYTES", 10)
    assert problems(b"a: 1234567890") == ["f.hu size"]


@pytest.mark.parametrize("text", ["a: %s", "%s: a", "[ %s ]", "{ @type: %s }", "['%s']"])
def test_too_large_token_is_rejected(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.humon.reader.MAX_TOKEN_CHARS", 40)
    monkeypatch.setattr("engine.humon.diagnostics.MAX_TOKEN_CHARS", 40)
    assert problems(text % ("x" * 50))[0].endswith(" token")
    assert parse("[ 12345 12345 12345 12345 12345 12345 12345 12345 ]", "f.hu").root[0].text == "12345"


def test_reading_stops_after_many_problems() -> None:
    found = problems("{ " + "a " * 10_000 + "}")
    assert len(found) == limits_module.MAX_PROBLEMS + 1
    assert found[-1].endswith(" too_many")


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_reported(name: str) -> None:
    """`tests/bench/bench_humon.py` measures that its time grows with its length."""
    assert problems(HOSTILE[name])


@given(documents(), st.data())
def test_damaged_text_gives_a_document_or_an_input_error(
    drawn: tuple[str, object], data: st.DataObject
) -> None:
    text = drawn[0]
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 5)))
    damaged = text[:start] + data.draw(st.text("a:{}[]@^\"'/* \n", max_size=3)) + text[end:]
    found = outcome(damaged)
    if isinstance(found, InputError):
        lines = [problem.position.line for problem in found.problems if problem.position]
        assert lines == sorted(lines)
        assert len(lines) == len(found.problems)


def test_input_error_can_be_pickled() -> None:
    problem = Problem("a.b", "c", Position("f.hu", 1, 2), "d", "e")
    assert pickle.loads(pickle.dumps(InputError(problem))).problems == (problem,)


def test_input_error_is_never_empty() -> None:
    with pytest.raises(ValueError, match="at least one"):
        InputError([])


def test_collector_gathers_errors_and_keeps_warnings() -> None:
    collector = ProblemCollector()
    collector.add(Problem("a.warning", "w", severity=Severity.WARNING))
    collector.check()
    with collector.catching():
        raise InputError(Problem("a.first", "1"))
    value = collector.attempt(lambda: parse("[", "f.hu"), None)
    assert value is None
    with pytest.raises(InputError) as caught:
        collector.check()
    assert [p.code for p in caught.value.problems] == ["a.warning", "a.first", "humon.unclosed"]
    assert [p.code for p in collector.warnings] == ["a.warning"]


def test_codes_are_unique_and_have_meanings() -> None:
    assert len({str(code) for code in Code}) == len(Code)
    assert all(code.meaning.endswith(".") and "." in code for code in Code)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("source: builtin:sky.hdr", 'write a value with a colon in quotes: "builtin:sky.hdr"'),
        ("a: b: c", "write a value after 'a', or remove it"),
        ("a:\nb:c", "write a value after 'a', or remove it"),
    ],
)
def test_a_value_with_a_colon_that_is_not_in_quotes_is_shown_in_quotes(text: str, hint: str) -> None:
    with pytest.raises(InputError) as raised:
        parse(text, "a.hu")
    assert raised.value.problems[0].help == hint
