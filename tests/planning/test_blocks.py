"""Claims about packing values into shader blocks by name."""

import numpy as np
import pytest

from engine.assets import Member
from engine.planning.blocks import Block

FRAME = Block(
    [
        Member("view", 0, 64, "mat4"),
        Member("eye", 64, 16, "vec4"),
        Member("lights", 80, 64, "vec4", 4, 16),
        Member("layers", 144, 32, "uint", 8, 4),
        Member("rough", 176, 4, "float"),
    ],
    192,
)


def test_values_are_written_at_the_offsets_of_their_members():
    data = FRAME.pack({"view": np.arange(16).reshape(4, 4), "eye": [1, 2, 3], "rough": 0.5})
    assert data[:64].view("<f4").tolist() == list(range(16))
    assert data[64:80].view("<f4").tolist() == [1, 2, 3, 0]
    assert data[176:180].view("<f4")[0] == 0.5


def test_elements_of_an_array_are_written_at_its_stride():
    data = FRAME.pack({"lights": [[1, 2, 3], [4, 5, 6]], "layers": [7, 8, 9]})
    assert data[80:144].view("<f4").reshape(4, 4).tolist() == [[1, 2, 3, 0], [4, 5, 6, 0], [0] * 4, [0] * 4]
    assert data[144:176].view("<u4").tolist() == [7, 8, 9, 0, 0, 0, 0, 0]


def test_unknown_names_are_ignored():
    assert not FRAME.pack({"unknown": [1, 2, 3]}).any()


@pytest.mark.parametrize("values", [{"eye": [1, 2, 3, 4, 5]}, {"lights": np.ones((5, 3))}, {"rough": [1, 2]}])
def test_more_numbers_than_fit_are_refused_by_name(values):
    with pytest.raises(ValueError, match=next(iter(values))):
        FRAME.pack(values)
