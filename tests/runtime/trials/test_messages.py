"""Claims about messages between the two processes of a trial: whole, or none."""

from __future__ import annotations

import io

import numpy as np
import pytest

from engine.runtime.trials.messages import NotAMessage, read_message, write_message

VALUES = {"refused": "vkCreate: ü", "passing": True, "pipeline": {"stages": [[1, "main"]]}}
BLOBS = [b"", b"\x00\xff", bytes(1000)]


def written() -> bytes:
    stream = io.BytesIO()
    write_message(stream, VALUES, BLOBS)
    return stream.getvalue()


def test_a_message_is_read_as_it_was_written() -> None:
    stream = io.BytesIO(written() * 2)
    assert read_message(stream) == read_message(stream) == (VALUES, BLOBS)
    with pytest.raises(EOFError):
        read_message(stream)


def test_a_message_that_ends_early_is_the_end_of_the_stream() -> None:
    whole = written()
    for size in range(0, len(whole), 3):
        with pytest.raises(EOFError):
            read_message(io.BytesIO(whole[:size]))


def test_damage_is_no_message_or_another_one_and_nothing_else() -> None:
    whole, rng, refused = written(), np.random.default_rng(7), 0
    for _ in range(300):
        changed = bytearray(whole)
        for at in rng.integers(0, 160, 2):
            changed[at] = rng.integers(256)
        try:
            read_message(io.BytesIO(bytes(changed)))
        except (NotAMessage, EOFError):
            refused += 1
    assert refused > 30


@pytest.mark.parametrize(
    "text",
    [
        b"[]",
        b"7",
        b"{}",
        b'{"sizes": 3}',
        b'{"sizes": [-1]}',
        b'{"sizes": [true]}',
        b'{"sizes": [1e9]}',
        b'{"sizes": [99999999999]}',
        b'{"sizes": [0,0,0,0,0,0,0,0,0]}',
        b"[" * 100_000,
        b"\xff\xfe",
    ],
)
def test_an_answer_that_claims_anything_else_is_no_message(text: bytes) -> None:
    with pytest.raises(NotAMessage):
        read_message(io.BytesIO(b"DTRY" + len(text).to_bytes(4, "little") + text))
