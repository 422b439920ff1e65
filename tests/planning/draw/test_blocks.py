"""Claims about packing values into shader blocks by name."""

import numpy as np
import pytest

from engine.assets import Member
from engine.planning.draw.blocks import Block

SIZE = 192


@pytest.fixture
def frame() -> Block:
    return Block(
        [
            Member("view", 0, 64, "mat4"),
            Member("eye", 64, 16, "vec4"),
            Member("lights", 80, 64, "vec4", 4, 16),
            Member("layers", 144, 32, "uint", 8, 4),
            Member("rough", 176, 4, "float"),
        ],
        SIZE,
    )


def test_values_are_written_at_the_offsets_of_their_members(frame):
    data = frame.pack({"view": np.arange(16).reshape(4, 4), "eye": [1, 2, 3], "rough": 0.5})
    assert data[:64].view("<f4").tolist() == list(range(16))
    assert data[64:80].view("<f4").tolist() == [1, 2, 3, 0]
    assert data[176:180].view("<f4")[0] == 0.5


def test_elements_of_an_array_are_written_at_its_stride(frame):
    data = frame.pack({"lights": [[1, 2, 3], [4, 5, 6]], "layers": [7, 8, 9]})
    assert data[80:144].view("<f4").reshape(4, 4).tolist() == [[1, 2, 3, 0], [4, 5, 6, 0], [0] * 4, [0] * 4]
    assert data[144:176].view("<u4").tolist() == [7, 8, 9, 0, 0, 0, 0, 0]


def test_unknown_names_are_ignored(frame):
    assert not frame.pack({"unknown": [1, 2, 3]}).any()


@pytest.mark.parametrize("values", [{"eye": [1, 2, 3, 4, 5]}, {"lights": np.ones((5, 3))}, {"rough": [1, 2]}])
def test_more_numbers_than_fit_are_refused_by_name(frame, values):
    with pytest.raises(ValueError, match=next(iter(values))):
        frame.pack(values)


@pytest.mark.parametrize(
    ("kind", "size", "value", "wanted"),
    [
        ("float", 4, 2.5, np.float32([2.5])),
        ("int", 4, -3, np.int32([-3])),
        ("uint", 4, 3, np.uint32([3])),
        ("bool", 4, True, np.uint32([1])),
        ("ivec2", 8, [-1, 2], np.int32([-1, 2])),
        ("uvec3", 12, [1, 2, 3], np.uint32([1, 2, 3])),
        ("vec4", 16, [1, 2, 3, 4], np.float32([1, 2, 3, 4])),
        ("mat3x2", 24, [1, 2, 3, 4, 5, 6], np.float32([1, 2, 3, 4, 5, 6])),
    ],
)
def test_a_member_holds_as_many_numbers_of_its_kind_as_its_type_says(kind, size, value, wanted):
    block = Block([Member("it", 4, size, kind)], 4 + size)
    assert block.pack({"it": value}).tobytes() == bytes(4) + wanted.tobytes()
    with pytest.raises(ValueError, match=f"it holds 1 x {len(wanted)} numbers"):
        block.pack({"it": [0] * (len(wanted) + 1)})


def rows_of(count: int = 2, filler: int = 0) -> np.ndarray:
    return np.full((count, SIZE), filler, np.uint8)


@pytest.mark.parametrize(
    ("name", "values", "start", "wanted"),
    [
        ("rough", [0.5, 0.25], 176, np.float32([[0.5], [0.25]])),
        ("rough", [[0.5], [0.25]], 176, np.float32([[0.5], [0.25]])),
        ("eye", [[1, 2, 3], [4, 5, 6]], 64, np.float32([[1, 2, 3], [4, 5, 6]])),
        ("eye", [[1, 2, 3, 4], [5, 6, 7, 8]], 64, np.float32([[1, 2, 3, 4], [5, 6, 7, 8]])),
        ("layers", [[7, 8, 9], [1, 2, 3]], 144, np.uint32([[7, 8, 9], [1, 2, 3]])),
        ("layers", [list(range(8)), list(range(8, 16))], 144, np.uint32(np.arange(16).reshape(2, 8))),
        ("layers", [7, 8], 144, np.uint32([[7], [8]])),
        ("view", np.arange(32).reshape(2, 4, 4), 0, np.float32(np.arange(32).reshape(2, 16))),
        (
            "lights",
            np.arange(12).reshape(2, 2, 3),
            80,
            np.float32([[0, 1, 2, 0, 3, 4, 5, 0], [6, 7, 8, 0, 9, 10, 11, 0]]),
        ),
        ("unknown", [1, 2], 0, np.float32([[], []])),
    ],
)
def test_a_member_of_many_blocks_is_written_in_each_and_nothing_else(frame, name, values, start, wanted):
    rows = rows_of()
    frame.pack_rows(rows, name, values)
    expected = rows_of()
    written = np.ascontiguousarray(wanted).view(np.uint8).reshape(2, -1)
    expected[:, start : start + written.shape[1]] = written
    assert np.array_equal(rows, expected)
    kept = rows_of(filler=9)
    frame.pack_rows(kept, name, values)
    assert (kept[:, start + max(written.shape[1], 1) :] == 9).all()
    assert (kept[:, :start] == 9).all()


@pytest.mark.parametrize(
    ("name", "shape"),
    [("rough", (2, 2)), ("eye", (2, 5)), ("layers", (2, 9)), ("lights", (2, 5, 3)), ("lights", (2, 2, 5))],
)
def test_more_numbers_than_fit_into_each_of_many_blocks_are_refused_by_name(frame, name, shape):
    rows = rows_of(filler=9)
    with pytest.raises(ValueError, match=f"{name} holds"):
        frame.pack_rows(rows, name, np.ones(shape))
    assert (rows == 9).all()


@pytest.mark.parametrize(
    ("name", "numbers", "words"),
    [
        ("unknown", [1] * 99, ""),
        ("eye", [1, 2, 3, 4], ""),
        ("eye", [1, 2, 3, 4, 5], "it has 5 numbers; there is room for 4"),
        ("rough", [1], ""),
        ("rough", [1, 2], "it has 2 numbers; there is room for 1"),
        ("layers", [0] * 8, ""),
        ("layers", [0] * 9, "it has 9 numbers; there is room for 8"),
        ("lights", [1, 2, 3, 4], ""),
        ("lights", [1, 2, 3, 4, 5], "it has 5 numbers; there is room for 4"),
        ("layers", [0, 2**32 - 1], ""),
        ("layers", [0, 2**32], "4.29497e+09 is out of the range of uint32"),
        ("layers", [-1, -2], "-1 is out of the range of uint32"),
        ("rough", [-1e30], ""),
    ],
)
def test_numbers_that_a_member_cannot_hold_are_described(frame, name, numbers, words):
    assert frame.misfit(name, numbers) == words
