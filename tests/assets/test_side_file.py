"""A side file keeps the bytes of saved assets, and uses again what was released."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.assets.cache.cache import CacheMissError, Entry
from engine.assets.cache.results import Result
from engine.assets.updating import side_file
from engine.assets.updating.side_file import SideFile


@pytest.fixture
def file(tmp_path: Path) -> Iterator[SideFile]:
    side = SideFile(tmp_path)
    yield side
    side.close()


def result(file: SideFile, name: str, data: bytes) -> dict[str, Result]:
    entry = Entry(name, "", (), facts={"any": 1})
    return {name: Result(entry, pieces=file.keep(data))}


def test_bytes_are_read_back_with_their_checksums(file: SideFile, tmp_path: Path) -> None:
    image = file.image(result(file, "a", b"first") | result(file, "b", bytes(range(256)) * 9))
    assert [image.read(entry) for entry in image.entries] == [b"first", bytes(range(256)) * 9]
    assert not image.damaged()
    assert not list(tmp_path.iterdir())
    image.close()
    with pytest.raises(CacheMissError):
        image.read(image.entries[0])


def test_a_range_that_was_released_is_used_again_and_the_file_does_not_grow(file: SideFile) -> None:
    kept = file.image(result(file, "kept", b"k" * 100))
    for turn in range(20):
        image = file.image(result(file, "other", bytes([turn]) * 1000))
        assert image.read(image.entries[0]) == bytes([turn]) * 1000
        assert kept.read(kept.entries[0]) == b"k" * 100
        assert file.size <= 112 + 1008
        image.close()
    assert file.size == 112
    kept.close()
    assert file.size == 0


def test_ranges_between_others_are_joined_when_they_are_released(file: SideFile) -> None:
    images = [file.image(result(file, str(n), bytes([n]) * 64)) for n in range(4)]
    images[1].close()
    images[2].close()
    both = file.image(result(file, "both", b"b" * 128))
    assert file.size == 256
    assert [image.read(image.entries[0])[:1] for image in (images[0], both, images[3])] == [
        b"\0",
        b"b",
        b"\3",
    ]
    for image in (images[0], both, images[3]):
        image.close()
    assert file.size == 0


def test_an_image_outlives_the_owner_of_the_file(file: SideFile) -> None:
    image = file.image(result(file, "a", b"still there"))
    file.close()
    assert image.read(image.entries[0]) == b"still there"
    image.close()


def test_where_nothing_can_be_written_bytes_stay_in_memory(tmp_path: Path) -> None:
    file = SideFile(tmp_path / "missing")
    image = file.image(result(file, "a", b"in memory"))
    assert image.descriptor is None
    assert image.read(image.entries[0]) == b"in memory"


def test_a_disk_that_is_full_leaves_the_bytes_in_memory(
    file: SideFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    first = result(file, "first", b"on disk")
    monkeypatch.setattr(side_file, "_write", full)
    image = file.image(first | result(file, "second", b"in memory"))
    assert [image.read(entry) for entry in image.entries] == [b"on disk", b"in memory"]
    assert file.size == 0
