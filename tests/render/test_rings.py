"""Claims about rings: every copy gets the newest rows, and only changed rows are written."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engine.render.rings import RingWriter


def flushed(writer: RingWriter, mapped: np.ndarray, copy: int, stride: int) -> int:
    return writer.flush(copy, mapped, stride)


def test_each_copy_is_written_when_its_slot_is_flushed():
    writer, mapped = RingWriter(2), np.zeros(64, np.uint8)
    rows = np.arange(8, dtype=np.uint32).reshape(4, 2)
    writer.replace(rows)
    assert flushed(writer, mapped, 0, 32) == 32
    rows[1] = (77, 78)
    writer.changed([(1, 2)])
    assert flushed(writer, mapped, 0, 32) == 8
    assert flushed(writer, mapped, 1, 32) == 32
    assert mapped[:32].tobytes() == rows.tobytes() == mapped[32:].tobytes()


def test_without_changes_nothing_is_written():
    writer, mapped = RingWriter(2), np.zeros(64, np.uint8)
    writer.replace(np.ones(8, np.uint32))
    flushed(writer, mapped, 0, 32)
    assert flushed(writer, mapped, 0, 32) == 0


def test_a_ring_at_a_new_address_is_written_whole():
    writer, mapped = RingWriter(1), np.zeros(32, np.uint8)
    writer.replace(np.ones(8, np.uint32))
    flushed(writer, mapped, 0, 32)
    mapped[:] = 0
    writer.invalidate()
    assert flushed(writer, mapped, 0, 32) == 32
    assert mapped.view(np.uint32).tolist() == [1] * 8


@given(st.lists(st.tuples(st.integers(0, 19), st.integers(1, 20), st.booleans()), max_size=20))
def test_copies_hold_the_source_rows_after_any_changes(changes):
    writer, rows = RingWriter(2), np.zeros(20, np.uint32)
    mapped = np.full(2 * 96, 255, np.uint8)
    writer.replace(rows)
    for value, (first, length, flush) in enumerate(changes, 1):
        last = min(20, first + length)
        rows[first:last] = value
        writer.changed([(first, last)])
        if flush:
            writer.flush(value % 2, mapped, 96)
    for copy in range(2):
        writer.flush(copy, mapped, 96)
        assert mapped[copy * 96 : copy * 96 + 80].tobytes() == rows.tobytes()
