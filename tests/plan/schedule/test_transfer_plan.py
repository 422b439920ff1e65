"""How pieces are cut and grouped: windows, waves and fillings, by exact bytes."""

from __future__ import annotations

import numpy as np
import pytest

from engine.plan.placement.staging_bounds import min_buffer_staging
from engine.plan.requirements.requirements import ImageShape
from engine.plan.schedule.transfer_plan import PIECE, Cycle, cycles, split, transfer
from engine.plan.terms.errors import PlanError
from engine.plan.terms.formats import Format


def pieces(*rows: dict[str, int]) -> np.ndarray:
    made = np.zeros(len(rows), PIECE)
    made["shape"] = -1
    for index, row in enumerate(rows):
        made[index]["row"] = made[index]["key"] = index
        for name, value in row.items():
            made[index][name] = value
        made[index]["room"] = row.get("room", row["size"])
        made[index]["cost"] = row.get("cost", row["size"])
    return made


def in_a_row(count: int, size: int, start: int = 0, **more: int) -> list[dict[str, int]]:
    return [{"source": start + i * size, "size": size, **more} for i in range(count)]


def shown(found: list[Cycle]) -> list[tuple[int, list[int], list[tuple[int, int, int]]]]:
    return [
        (c.window, c.pieces["row"].tolist(), [(w.db, w.offset, w.size) for w in c.windows]) for c in found
    ]


def test_a_database_that_fits_one_window_has_one_for_all_priorities():
    made = pieces(*in_a_row(2, 10, 100), {"source": 190, "size": 10, "priority": 5})
    assert shown(cycles(made, 100, 1000)) == [(0, [2], [(0, 100, 100)]), (0, [0, 1], [])]
    assert shown(cycles(made, 99, 1000)) == [(0, [2], [(0, 190, 10)]), (1, [0, 1], [(0, 100, 20)])]


def test_a_window_holds_what_ends_within_it():
    made = pieces(*in_a_row(4, 10))
    assert shown(cycles(made, 20, 20)) == [(0, [0, 1], [(0, 0, 20)]), (1, [2, 3], [(0, 20, 20)])]
    assert [c.pieces["row"].tolist() for c in cycles(made, 19, 20)] == [[0], [1], [2], [3]]


def test_a_filling_holds_what_costs_no_more_than_the_capacity_and_one_piece_at_least():
    made = pieces(*in_a_row(5, 10))
    assert [c.pieces["row"].tolist() for c in cycles(made, 100, 20)] == [[0, 1], [2, 3], [4]]
    assert [c.pieces["row"].tolist() for c in cycles(made, 100, 19)] == [[0], [1], [2], [3], [4]]
    assert [c.pieces["row"].tolist() for c in cycles(made, 100, 5)] == [[0], [1], [2], [3], [4]]


def test_only_the_first_filling_of_a_wave_moves_windows():
    assert shown(cycles(pieces(*in_a_row(3, 10, 7)), 100, 10)) == [
        (0, [0], [(0, 7, 30)]),
        (0, [1], []),
        (0, [2], []),
    ]


def test_what_would_fill_less_than_a_quarter_is_left_to_the_next_window():
    small = [{"source": 40, "size": 4}, {"source": 44, "size": 50}]
    made = pieces(*in_a_row(2, 20), *small)
    assert [c.pieces["row"].tolist() for c in cycles(made, 50, 20)] == [[0], [1], [2], [3]]
    assert shown(cycles(made, 50, 20))[2] == (1, [2], [(0, 40, 4)])
    made["size"][2], made["cost"][2] = 5, 5  # a quarter is brought in with the window before
    made["source"][3] = 45
    assert [(c.window, c.pieces["row"].tolist()) for c in cycles(made, 50, 20)] == [
        (0, [0]),
        (0, [1]),
        (0, [2]),
        (1, [3]),
    ]


def test_a_window_that_is_mapped_and_holds_all_stays():
    # The higher priority maps 0 to 40; the lower wants 10 to 30 of it.
    made = pieces(
        {"source": 0, "size": 10, "priority": 1},
        {"source": 10, "size": 20},
        {"source": 30, "size": 10, "priority": 1},
        {"source": 200, "size": 10, "priority": 2},
    )
    found = shown(cycles(made, 50, 100))
    assert found == [(0, [3], [(0, 200, 10)]), (1, [0, 2], [(0, 0, 40)]), (1, [1], [])]


def test_each_database_has_its_own_window_in_a_wave():
    made = pieces(*in_a_row(3, 10), *in_a_row(2, 10, 50, db=4))
    assert shown(cycles(made, 10, 100)) == [
        (0, [0, 3], [(0, 0, 10), (4, 50, 10)]),
        (1, [1, 4], [(0, 10, 10), (4, 60, 10)]),
        (2, [2], [(0, 20, 10)]),
    ]


def test_a_buffer_is_cut_into_words_that_fit_with_its_padding_in_the_last():
    limit = 100
    made = pieces({"source": 1000, "size": 150, "room": 156, "place": 64, "cost": 156 + 32, "resource": 3})
    parts = split(made, [], limit)
    step = (limit - min_buffer_staging(6) + 4) // 4 * 4
    assert step == 44
    assert parts["size"].tolist() == [44, 44, 44, 18]
    assert parts["start"].tolist() == [0, 44, 88, 132]
    assert parts["source"].tolist() == [1000, 1044, 1088, 1132]
    assert parts["place"].tolist() == [64, 108, 152, 196]
    assert parts["room"].tolist() == [44, 44, 44, 24]
    assert parts["cost"].tolist() == [76, 76, 76, 56]


def test_a_piece_that_costs_what_staging_holds_is_not_cut():
    made = pieces({"source": 0, "size": 100})
    assert split(made, [], 100) is made
    assert len(split(made, [], 99)) > 1


def test_a_buffer_comes_in_single_bytes_where_staging_has_room_for_no_word():
    assert split(pieces({"source": 0, "size": 50}), [], 49)["size"].tolist() == [1] * 50


def test_each_level_of_an_image_is_cut_at_rows():
    shape = ImageShape(Format.R8G8B8A8_UNORM, 4, 8, 2)  # 8 rows of 16 bytes, then 4 of 8
    made = pieces({"source": 500, "size": 160, "shape": 0, "cost": 160 + 8})
    parts = split(made, [shape], 56)  # three rows of the first level, six of the second
    assert list(zip(parts["start"].tolist(), parts["size"].tolist(), strict=True)) == [
        (0, 48),
        (48, 48),
        (96, 32),
        (128, 32),
    ]
    assert parts["source"].tolist() == [500, 548, 596, 628]
    assert parts["place"].tolist() == [0] * 4
    assert parts["cost"].tolist() == [56, 56, 40, 40]
    pairs = split(made, [shape], 56, 2)
    assert pairs["size"].tolist() == [32, 32, 32, 32, 32]
    with pytest.raises(PlanError, match="a staging buffer of 56 bytes cannot hold the 136 bytes"):
        split(made, [shape], 56, 0)


def test_an_image_that_has_begun_goes_on_from_its_row_even_where_it_fits():
    shape = ImageShape(Format.R8G8B8A8_UNORM, 4, 8, 2)
    made = pieces({"source": 532, "size": 128, "start": 32, "shape": 0, "cost": 136})
    parts = split(made, [shape], 1000)
    assert parts["start"].tolist() == [32, 128]
    assert parts["size"].tolist() == [96, 32]
    assert parts["source"].tolist() == [532, 628]


def test_runs_in_staging_begin_at_sixteen_bytes_and_mirror_their_places():
    made = pieces(
        {"source": 0, "size": 10, "room": 12, "place": 0, "resource": 1},
        {"source": 10, "size": 12, "place": 12, "resource": 1},
        {"source": 22, "size": 8, "place": 100, "resource": 1},
        {"source": 30, "size": 4, "place": 108, "resource": 2},
    )
    step, end = transfer(0, 9, made, [], 1, 5)
    assert step.buffer_copies.tolist() == [(16, 1, 0, 24), (48, 1, 100, 8), (64, 2, 108, 4)]
    assert step.reads.tolist() == [(0, 16, 10), (10, 28, 12), (22, 48, 8), (30, 64, 4)]
    assert step.keys.tolist() == [0, 1, 2, 3]
    assert step.sizes.tolist() == [10, 12, 8, 4]
    assert end == 80


def test_parts_of_images_lie_at_legal_offsets_and_name_their_rows():
    shape = ImageShape(Format.R8_UNORM, 5, 7, 2)  # 35 bytes, then 2 x 3
    made = pieces(
        {"source": 100, "size": 41, "shape": 0, "place": 2, "resource": 6},
        {"source": 310, "size": 31, "start": 10, "shape": 0, "place": 3, "resource": 6},
    )
    step, end = transfer(0, 9, made, [shape], 8, 3)
    assert [tuple(c) for c in step.image_copies.tolist()] == [
        (8, 6, 2, 0, 0, 5, 7, 35),
        (44, 6, 2, 1, 0, 2, 3, 6),
        (56, 6, 3, 0, 2, 5, 5, 25),
        (84, 6, 3, 1, 0, 2, 3, 6),
    ]
    assert step.reads.tolist() == [(100, 8, 35), (135, 44, 6), (310, 56, 25), (335, 84, 6)]
    assert end == 96


@pytest.mark.parametrize("index", [0, 1])
def test_all_cuts_of_an_image_stay_in_its_layer(index: int):
    shapes = [ImageShape(Format.R8_UNORM, 64, 64)] * 2
    made = pieces({"size": 4096, "cost": 4096 + 128, "shape": index, "place": 3, "room": 7})
    parts = split(made, shapes, 1024 + 128)
    assert parts["place"].tolist() == [3] * 4
    assert parts["room"].tolist() == [7] * 4
    assert parts["start"].tolist() == [0, 1024, 2048, 3072]
    assert parts["source"].tolist() == [0, 1024, 2048, 3072]


def test_an_image_that_has_begun_with_a_single_byte_goes_on_behind_it():
    shape = ImageShape(Format.R8_UNORM, 1, 8, 2)  # 8 rows of a byte, then 4
    parts = split(pieces({"source": 501, "size": 11, "start": 1, "shape": 0, "cost": 19}), [shape], 1000)
    assert list(zip(parts["start"].tolist(), parts["size"].tolist(), strict=True)) == [(1, 7), (8, 4)]


def test_a_buffer_that_has_begun_is_cut_from_where_it_stopped():
    made = pieces({"source": 1020, "size": 150, "start": 20, "place": 84, "cost": 150 + 32, "resource": 3})
    parts = split(made, [], 100)
    begun = (parts["start"] - 20).tolist()
    assert begun == [0, *np.cumsum(parts["size"])[:-1].tolist()]
    assert len(begun) > 1
    assert parts["place"].tolist() == [84 + at for at in begun]
    assert parts["source"].tolist() == [1020 + at for at in begun]
    assert parts["room"].tolist() == parts["size"].tolist()


@pytest.mark.parametrize(("start", "size", "rows"), [(0, 32, (0, 6)), (0, 16, (0, 4)), (16, 16, (4, 2))])
def test_the_last_row_of_blocks_ends_with_its_level(start: int, size: int, rows: tuple[int, int]):
    shape = ImageShape(Format.BC1_RGB_UNORM_BLOCK, 8, 6)  # two rows of two blocks, of eight bytes each
    made = pieces({"source": 100 + start, "start": start, "size": size, "shape": 0})
    step, _ = transfer(0, 9, made, [shape], 1, 0)
    (copy,) = step.image_copies
    assert (copy["y"], copy["height"], copy["width"], copy["size"]) == (*rows, 8, size)
