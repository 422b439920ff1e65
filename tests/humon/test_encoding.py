"""Every encoding reads the same, and bytes that are not text are rejected with their offset."""

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.humon import Document, InputError, parse, plain

TEXT = "name: Würfel // ∎ 𝄞\nlist: [ 'ab' 𝄞 ]\n"
CODECS = {
    "utf-8": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-le": codecs.BOM_UTF32_LE,
    "utf-32-be": codecs.BOM_UTF32_BE,
}


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("marked", [True, False], ids=["with mark", "without mark"])
def test_every_encoding_reads_the_same(codec: str, marked: bool) -> None:
    document = parse((CODECS[codec] if marked else b"") + TEXT.encode(codec), "f.hu")
    assert plain(document.root) == {"name": "Würfel", "list": ["ab", "𝄞"]}
    assert str(document.root["list"][1].position) == "f.hu:2:14"


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("text", ["a", "[]", "ab:c"])
def test_shortest_files_are_decoded(codec: str, text: str) -> None:
    assert parse(text.encode(codec), "f.hu").text == text


SCRIPTS = {
    "Greek": "Δ: 1",
    "Cyrillic": "имя: [ большой_куб ]",
    "Arabic": "اسم: مكعب",
    "Hebrew": "שם: קובייה",
    "Devanagari": "नाम: 'घन की लंबाई और चौड़ाई'",
    "Thai": "ชื่อ: ลูกบาศก์",
    "Chinese": "名称: '一个有很多中文字的长句子一二三四五六七八九十'",
    "Japanese": "　なまえ: 立方体",
    "Korean": "이름: 정육면체",
    "Gothic": "𐌰𐌱: 𐌲",
    "emoji": "😀: { 😁: 1 }",
    "Latin beyond ASCII": "Ā: Ω",
}


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_is_read_without_a_mark(script: str, codec: str) -> None:
    for text in (SCRIPTS[script], f"{{{SCRIPTS[script]}}}", f"// {SCRIPTS[script]}\n[1]"):
        assert parse(text.encode(codec), "f.hu").text == text


@pytest.mark.parametrize(
    "data", [b"a: \0", b"a: 1\0\0\0\0", b"a: W\xfcrfel", b"\0a: 1 bc", b"a: \0bc d: \0ef "]
)
def test_damaged_bytes_are_not_taken_for_a_wide_encoding(data: bytes) -> None:
    assert refusal(data)[0] in ("humon.nul", "humon.encoding")


def outcome(data: bytes) -> Document | InputError:
    try:
        return parse(data, "f.hu")
    except InputError as error:
        return error


def refusal(data: bytes | str) -> tuple[str, str, str]:
    with pytest.raises(InputError) as caught:
        parse(data, "f.hu")
    (problem,) = caught.value.problems
    return problem.code, problem.message, str(problem.position)


@pytest.mark.parametrize("mark", [b"", *CODECS.values()])
def test_empty_file_or_byte_order_mark_only_is_rejected_at_its_byte(mark: bytes) -> None:
    code, message, place = refusal(mark)
    assert (code, place) == ("humon.empty", "f.hu:1:1")
    assert message.endswith(f"byte {len(mark)}")


def test_file_of_comments_only_is_rejected() -> None:
    assert refusal("// a\n/* b */ ,, \n")[::2] == ("humon.empty", "f.hu:3:1")


@pytest.mark.parametrize(
    ("data", "place", "byte"),
    [
        (b"a: 1\nb: \0", "f.hu:2:4", 8),
        (b"a\0: 1", "f.hu:1:2", 1),
        (b"\0", "f.hu:1:1", 0),
        (codecs.BOM_UTF8 + "ü: \0".encode(), "f.hu:1:4", 7),
        (codecs.BOM_UTF16_LE + "a: \0".encode("utf-16-le"), "f.hu:1:4", 8),
    ],
)
def test_nul_is_rejected_at_its_byte(data: bytes, place: str, byte: int) -> None:
    code, message, found = refusal(data)
    assert (code, found) == ("humon.nul", place)
    assert message.endswith(f"at byte {byte}")


@pytest.mark.parametrize(
    ("data", "place", "byte"),
    [
        (b"a: 1\n b: \xff", "f.hu:2:5", 9),
        (b"a: \xc0\xaf", "f.hu:1:4", 3),
        (b"a: \xed\xa0\x80", "f.hu:1:4", 3),
        (codecs.BOM_UTF8 + b"a: \xe2\x88", "f.hu:1:4", 6),
        (codecs.BOM_UTF16_LE + "a: ".encode("utf-16-le") + b"\x00\xd8", "f.hu:1:4", 8),
        (codecs.BOM_UTF16_BE + "a: b".encode("utf-16-be") + b"\0", "f.hu:1:5", 10),
        (codecs.BOM_UTF32_LE + b"a\0\0\0\xff\xff\xff\xff", "f.hu:1:2", 8),
    ],
)
def test_invalid_bytes_are_rejected_at_their_offset(data: bytes, place: str, byte: int) -> None:
    code, message, found = refusal(data)
    assert (code, found) == ("humon.encoding", place)
    assert f"at byte {byte}:" in message


def test_half_of_a_surrogate_pair_is_rejected() -> None:
    assert refusal("a: \ud800")[::2] == ("humon.encoding", "f.hu:1:4")


@given(st.binary(max_size=60) | st.text("a:{}[]@^\"'/* \n,\0", max_size=60).map(str.encode))
def test_any_bytes_give_a_document_or_an_input_error(data: bytes) -> None:
    found = outcome(data)
    if isinstance(found, InputError):
        assert found.problems
        assert all(problem.position is not None for problem in found.problems)
        assert str(found).startswith("f.hu:")
    else:
        assert plain(found.root) is not None
