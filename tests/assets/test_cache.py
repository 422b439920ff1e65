"""The cache file: complete or a miss, whatever happens to its bytes."""

from __future__ import annotations

import os
import random
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support.cache_mutations import put_together, taken_apart
from support.sampling import amount

from engine.assets.cache.cache import (
    HEADER_BYTES,
    MAGIC,
    CacheImage,
    CacheMissError,
    Entry,
    SourceStamp,
    open_cache,
    pack_header,
)
from engine.assets.cache.cache_writer import Content, write_cache

CONTENTS = {
    "a": bytes(range(40)),
    "b": b"",
    "c": random.Random(5).randbytes(1000),
    "d": b"x" * 16,
}


def entries() -> Iterator[Content]:
    for name, data in CONTENTS.items():
        stamp = SourceStamp(f"assets/{name}.png", len(data), 12345, "ab")
        yield Entry(identity=name, tool="", sources=(stamp,), facts={"count": len(data)}), (data,)


def file_bytes(folder: Path) -> bytes:
    path = folder / "whole.ogCache"
    write_cache(path, entries()).close()
    return path.read_bytes()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return file_bytes(tmp_path_factory.mktemp("cache"))


def reading(folder: Path, content: bytes) -> dict[str, bytes]:
    """What is read from a cache file with this content: data by name."""
    path = folder / "read.ogCache"
    path.write_bytes(content)
    try:
        image = open_cache(path)
    except CacheMissError:
        return {}
    damaged = image.damaged()
    found = {row.identity: image.read(row) for row in image.entries if row.identity not in damaged}
    image.close()
    return found


def test_written_assets_are_read_back(tmp_path: Path, whole: bytes) -> None:
    assert reading(tmp_path, whole) == CONTENTS


def test_a_table_is_read_once_and_one_of_other_bytes_for_itself(tmp_path: Path, whole: bytes) -> None:
    rows, data = taken_apart(whole)
    rows[0]["checksum"] ^= 1
    found = []
    for number, content in enumerate((whole, whole, put_together(rows, data))):
        path = tmp_path / f"{number}.ogCache"
        path.write_bytes(content)
        image = open_cache(path)
        found.append(image.entries)
        image.close()
    assert found[0] is found[1]
    assert found[2][0].checksum == found[0][0].checksum ^ 1
    assert found[2][1:] == found[0][1:]


def test_every_asset_starts_at_a_multiple_of_sixteen_and_the_data_at_a_page(whole: bytes) -> None:
    rows, _ = taken_apart(whole)
    assert [row["offset"] for row in rows] == [0, 48, 48, 1056]
    assert all(row["offset"] % 16 == 0 and row["alignment"] == 16 for row in rows)
    assert whole[HEADER_BYTES : HEADER_BYTES + 40] == CONTENTS["a"]


def test_entries_keep_their_facts_stamps_and_failures(tmp_path: Path) -> None:
    stamp = SourceStamp("assets/x.glsl", 10, 7, "00ff")
    problem = {"code": "shader.compile", "message": "m", "position": ["x", 1, 2], "excerpt": "", "help": ""}
    broken = Entry("e", "glslang 1", (stamp,), failure=(problem,))
    path = tmp_path / "broken.ogCache"
    write_cache(path, iter([(broken, (b"",))])).close()
    image = open_cache(path)
    (read,) = image.entries
    image.close()
    assert (read.sources, read.tool, read.failure) == ((stamp,), "glslang 1", broken.failure)


def test_truncated_at_any_byte_is_a_miss(tmp_path: Path, whole: bytes) -> None:
    path = tmp_path / "cut.ogCache"
    cuts = [*range(80), *range(80, len(whole), 97), len(whole) - 1]
    for cut in cuts:
        path.write_bytes(whole[:cut])
        with pytest.raises(CacheMissError):
            open_cache(path)


@settings(max_examples=amount(50, 800), suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(bit=0)
@example(bit=8 * 100)
@example(bit=8 * (HEADER_BYTES + 41))
@example(bit=8 * (HEADER_BYTES + 5))
@given(bit=st.integers(0, 2**31))
def test_any_flipped_bit_is_a_miss_of_the_asset_or_of_all(tmp_path: Path, whole: bytes, bit: int) -> None:
    bit %= len(whole) * 8
    content = bytearray(whole)
    content[bit // 8] ^= 1 << bit % 8
    found = reading(tmp_path, bytes(content))
    assert len(found) < len(CONTENTS)
    assert all(CONTENTS[name] == data for name, data in found.items())


def test_a_flipped_bit_in_one_asset_leaves_the_others(tmp_path: Path, whole: bytes) -> None:
    content = bytearray(whole)
    content[HEADER_BYTES + 60] ^= 4
    assert reading(tmp_path, bytes(content)) == {name: CONTENTS[name] for name in "abd"}


@settings(max_examples=amount(25, 400), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300), st.booleans())
def test_arbitrary_bytes_are_a_miss(tmp_path: Path, content: bytes, with_magic: bool) -> None:
    content = (MAGIC if with_magic else b"") + content + bytes(HEADER_BYTES)
    assert reading(tmp_path, content) == {}


HUGE = 2**64 - 1


@pytest.mark.parametrize(
    "place", range(5), ids=["length", "toc offset", "toc size", "data offset", "data size"]
)
@pytest.mark.parametrize("value", [HUGE, HUGE - 4095, 2**63, 2**32, 0])
def test_sizes_are_checked_against_the_file_before_they_are_used(
    tmp_path: Path, whole: bytes, place: int, value: int
) -> None:
    import zlib

    header = bytearray(whole[:HEADER_BYTES])
    struct.pack_into("<Q", header, 16 + 8 * place, value)
    struct.pack_into("<I", header, 60, 0)
    struct.pack_into("<I", header, 60, zlib.crc32(header))
    assert reading(tmp_path, bytes(header) + whole[HEADER_BYTES:]) == {}


@pytest.mark.parametrize(
    "change",
    [
        {"offset": HUGE - 15},
        {"size": HUGE},
        {"offset": 1040, "size": 64},
        {"offset": 8},
        {"offset": -16},
        {"size": -1},
        {"size": "10"},
        {"sources": [["a", 1]]},
        {"sources": None},
        {"surprise": 1},
    ],
)
def test_an_invalid_entry_with_correct_checksums_is_a_miss(
    tmp_path: Path, whole: bytes, change: dict[str, object]
) -> None:
    rows, data = taken_apart(whole)
    rows[0] |= change
    assert reading(tmp_path, put_together(rows, data)) == {}


@pytest.mark.parametrize(
    "toc", [b"", b"{", b"[]", b'{"entries": 7}', b'{"entries": [7]}', b"\xff", b"[" * 100_000]
)
def test_an_invalid_table_is_a_miss(tmp_path: Path, toc: bytes) -> None:
    content = pack_header(HEADER_BYTES + len(toc), HEADER_BYTES, toc) + toc
    assert reading(tmp_path, content) == {}


def test_another_format_version_is_a_miss(
    tmp_path: Path, whole: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.assets.cache.cache.VERSION", 2)
    assert reading(tmp_path, whole) == {}


def test_a_missing_file_or_a_folder_is_a_miss(tmp_path: Path) -> None:
    for path in (tmp_path / "none.ogCache", tmp_path):
        with pytest.raises(CacheMissError):
            open_cache(path)


def stopping(after: int) -> Iterator[Content]:
    for count, row in enumerate(entries()):
        if count == after:
            raise OSError(28, "No space left on device")
        yield row


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "db.ogCache"
    write_cache(path, entries()).close()
    before = path.read_bytes()
    with pytest.raises(OSError, match="No space"):
        write_cache(path, stopping(2))
    assert path.read_bytes() == before
    assert [found.name for found in tmp_path.iterdir()] == ["db.ogCache"]


def test_only_temporary_files_of_killed_writers_are_deleted(tmp_path: Path) -> None:
    path = tmp_path / "db.ogCache"
    (tmp_path / ".db.ogCache.k1ll3d.saving").write_bytes(b"half")
    (tmp_path / ".other.ogCache.abc.saving").write_bytes(b"of another")
    (tmp_path / "db.ogCache.notes").write_bytes(b"mine")
    write_cache(path, entries()).close()
    left = sorted(found.name for found in tmp_path.iterdir())
    assert left == [".other.ogCache.abc.saving", "db.ogCache", "db.ogCache.notes"]


def test_a_reader_keeps_the_old_cache_while_a_new_one_replaces_it(tmp_path: Path) -> None:
    path = tmp_path / "db.ogCache"
    old = write_cache(path, entries())
    write_cache(path, iter([(Entry("z", "", (), facts={"count": 3}), (b"new",))])).close()
    by_name = {entry.identity: entry for entry in old.entries}
    assert old.read(by_name["c"]) == CONTENTS["c"]
    old.close()


def test_what_was_read_stays_and_a_closed_cache_is_a_miss(tmp_path: Path) -> None:
    image: CacheImage = write_cache(tmp_path / "db.ogCache", entries())
    data = image.data
    image.close()
    image.close()
    assert data[:40] == CONTENTS["a"]
    with pytest.raises(CacheMissError):
        image.read(image.entries[0])


@pytest.mark.parametrize("kept", [0, HEADER_BYTES + 10, HEADER_BYTES + 1000])
def test_a_file_that_is_truncated_while_it_is_open_is_a_miss_of_what_is_gone(
    tmp_path: Path, kept: int
) -> None:
    path = tmp_path / "db.ogCache"
    write_cache(path, entries()).close()
    image = open_cache(path)
    os.truncate(path, kept)
    assert image.damaged() == {"a", "c", "d"} if kept < HEADER_BYTES + 40 else {"c", "d"}
    with pytest.raises(CacheMissError):
        assert not image.data
    image.close()


@pytest.mark.parametrize("kind", ["written", "longer", "touched"])
@pytest.mark.parametrize("is_ours", [True, False], ids=["as it was written", "opened"])
def test_nothing_is_read_from_a_file_that_was_changed_since_it_was_opened(
    tmp_path: Path, kind: str, is_ours: bool
) -> None:
    path = tmp_path / "db.ogCache"
    image = write_cache(path, entries())
    if not is_ours:
        image.close()
        path.write_bytes(path.read_bytes())  # within this tick of the clock
        image = open_cache(path)
    assert not image.damaged()
    whole = path.read_bytes()
    if kind == "touched":
        os.utime(path)
    else:
        path.write_bytes(whole[:-1] + b"?" if kind == "written" else whole + b"?")
    with pytest.raises(CacheMissError, match="another process has written to it"):
        image.bytes_at(HEADER_BYTES, 1)
    image.close()


def test_a_file_that_is_always_being_written_is_a_miss_after_a_few_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "db.ogCache"
    write_cache(path, entries()).close()
    looks = []
    monkeypatch.setattr(time, "sleep", lambda seconds: looks.append(seconds) or os.utime(path))
    os.utime(path)
    with pytest.raises(CacheMissError, match="is writing to it"):
        open_cache(path)
    assert 0 < sum(looks) < 1


def test_pieces_are_whole_rows_and_their_checksum_comes_last(tmp_path: Path) -> None:
    content = random.Random(6).randbytes(3 << 20)
    path = tmp_path / "db.ogCache"
    image = write_cache(path, iter([(Entry("a", "", (), facts={"count": 1}), (content,))]))
    pieces = [bytes(piece) for piece in image.pieces(image.entries[0], 12)]
    assert b"".join(pieces) == content
    assert [len(piece) % 12 for piece in pieces[:-1]] == [0] * (len(pieces) - 1)
    assert max(map(len, pieces)) <= 1 << 20
    image.close()
    with open(path, "r+b") as file:
        file.seek(HEADER_BYTES + 100)
        file.write(b"changed")
    image = open_cache(path)
    reading = image.pieces(image.entries[0])
    assert next(reading)[100:107] == b"changed"
    with pytest.raises(CacheMissError):
        list(reading)


def test_a_mapped_file_is_read_like_others_where_there_is_no_preadv(
    tmp_path: Path, whole: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "preadv")
    assert reading(tmp_path, whole) == CONTENTS
    assert reading(tmp_path, b"") == {}
