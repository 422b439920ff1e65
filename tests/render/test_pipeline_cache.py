"""Claims about the pipeline cache on disk: one per driver, and a damaged file is an empty cache."""

import os
import zlib
from pathlib import Path

import pytest
from support.gpu import checked_device

from engine.render.pipelines.pipeline_cache import PipelineCache

pytestmark = pytest.mark.gpu


@pytest.fixture(scope="module")
def device():
    with checked_device() as opened:
        yield opened


def saved(device, folder: Path) -> bytes:
    """A cache file as a first run writes it."""
    cache = PipelineCache(device, folder)
    cache.close()
    return cache.path.read_bytes()


def loads(device, folder: Path) -> bool:
    """Whether a new cache is loaded from the file."""
    cache = PipelineCache(device, folder)
    starts_from_file = bool(cache.loaded)
    cache.close()
    return starts_from_file


def test_a_cache_is_loaded_for_the_same_driver(device, tmp_path):
    saved(device, tmp_path)
    (file,) = tmp_path.iterdir()
    assert f"{device.adapter.vendor_id:08x}" in file.name
    assert f"{device.adapter.driver_version:08x}" in file.name
    assert loads(device, tmp_path)


def test_a_truncated_or_changed_cache_counts_as_empty(device, tmp_path):
    whole = saved(device, tmp_path)
    (file,) = tmp_path.iterdir()
    damaged = [whole[:length] for length in range(0, len(whole), 7)]
    for at in range(0, len(whole), 5):
        changed = bytearray(whole)
        changed[at] ^= 0x10
        damaged.append(bytes(changed))
    for data in damaged:
        file.write_bytes(data)
        cache = PipelineCache(device, tmp_path)
        assert cache.loaded == b""
        device.destroy("PipelineCache", cache.handle)


def test_another_gpus_cache_is_never_read(device, tmp_path):
    whole = saved(device, tmp_path)
    (file,) = tmp_path.iterdir()
    file.rename(tmp_path / file.name.replace(f"{device.adapter.device_id:08x}", "0badcafe"))
    assert not loads(device, tmp_path)
    assert whole


def test_a_folder_that_cannot_be_created_is_no_failure(device, tmp_path):
    (tmp_path / "taken").write_text("a file, not a folder")
    cache = PipelineCache(device, tmp_path / "taken" / "cache")
    assert cache.save() is False
    cache.close()


def test_no_temporary_file_is_left_behind(device, tmp_path):
    saved(device, tmp_path)
    assert len(list(tmp_path.iterdir())) == 1


def test_data_of_another_driver_counts_as_empty_though_its_checksum_is_right(device, tmp_path):
    whole = saved(device, tmp_path)
    (file,) = tmp_path.iterdir()
    for at in range(32):  # header size, version, vendor, device, UUID
        body = bytearray(whole[12:])
        body[at] ^= 1
        file.write_bytes(whole[:8] + zlib.crc32(body).to_bytes(4, "little") + body)
        cache = PipelineCache(device, tmp_path)
        assert cache.loaded == b""
        device.destroy("PipelineCache", cache.handle)


@pytest.mark.parametrize("kind", ["fifo", "link", "folder"])
def test_what_stands_in_place_of_the_file_is_neither_read_nor_replaced(device, tmp_path, kind):
    folder, outside = tmp_path / "cache", tmp_path / "outside"
    folder.mkdir()
    cache = PipelineCache(device, folder)
    path = cache.path
    make = {"fifo": os.mkfifo, "link": lambda path: path.symlink_to(outside), "folder": Path.mkdir}
    make[kind](path)
    before = path.lstat()
    assert cache.save() is False
    cache.close()
    assert not loads(device, folder)
    assert path.lstat().st_ino == before.st_ino
    assert [found.name for found in folder.iterdir()] == [path.name]
    assert not outside.exists()


def test_a_user_without_a_folder_has_an_empty_cache(device):
    cache = PipelineCache(device, None)
    assert (cache.loaded, cache.save()) == (b"", False)
    cache.close()
