"""The ways in which programs save a file."""

from __future__ import annotations

import os
import time
from pathlib import Path


def in_place(path: Path, content: bytes) -> None:
    with path.open("r+b") as file:
        file.write(content)
        file.truncate()


def renamed_over(path: Path, content: bytes) -> None:
    other = path.with_name("other.tmp")
    other.write_bytes(content)
    other.replace(path)


def deleted_and_created(path: Path, content: bytes) -> None:
    path.unlink()
    time.sleep(0.1)
    path.write_bytes(content)


def with_a_backup(path: Path, content: bytes) -> None:
    path.rename(path.with_name(path.name + "~"))
    path.write_bytes(content)


def linked(descriptor: int, path: Path) -> None:
    """Give a file without a name one: linkat follows the link only with a folder's descriptor."""
    os.link(f"/proc/self/fd/{descriptor}", path, src_dir_fd=descriptor, follow_symlinks=True)
    os.close(descriptor)


def by_a_nameless_file_that_replaces_it(path: Path, content: bytes) -> None:
    descriptor = os.open(path.parent, os.O_TMPFILE | os.O_WRONLY, 0o644)
    os.write(descriptor, content)
    other = path.with_name("nameless.tmp")
    linked(descriptor, other)
    other.replace(path)


def by_a_nameless_file_that_takes_its_name(path: Path, content: bytes) -> None:
    descriptor = os.open(path.parent, os.O_TMPFILE | os.O_WRONLY, 0o644)
    os.write(descriptor, content)
    path.unlink()
    linked(descriptor, path)


def by_a_symbolic_link(path: Path, content: bytes, target: str = "linked") -> None:
    """The file becomes a link to another one, whose name has `target` in it."""
    other = path.with_name(f"{path.stem}.{target}{path.suffix}")
    other.write_bytes(content)
    link = path.with_name("link.tmp")
    link.symlink_to(other.name)
    link.replace(path)


def by_another_symbolic_link(path: Path, content: bytes) -> None:
    """The link is led elsewhere once more."""
    by_a_symbolic_link(path, content, "linked2")


def slowly(path: Path, content: bytes) -> None:
    with path.open("wb", buffering=0) as file:
        for start in range(0, len(content), len(content) // 20 + 1):
            file.write(content[start : start + len(content) // 20 + 1])
            time.sleep(0.03)


SAVES = (
    in_place,
    renamed_over,
    deleted_and_created,
    with_a_backup,
    by_a_nameless_file_that_replaces_it,
    by_a_nameless_file_that_takes_its_name,
    by_a_symbolic_link,
    by_another_symbolic_link,
    slowly,
)
