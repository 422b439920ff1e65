"""What is framed of a model of which something is wrong."""

from __future__ import annotations

import numpy as np
import pytest

from engine.scene.models.description import Box, ModelFile
from engine.scene.models.keeping import Own, Wrong, keep_wrong


def model(*corners: tuple[float, float, float]) -> ModelFile:
    return ModelFile([], {"model": {}}, Box.around(np.array(corners)), False, (), {})


@pytest.mark.parametrize(
    ("wrong", "is_before"),
    [
        (Wrong(skins={"body": "/skins/0"}), True),
        (Wrong(meshes={"body": "/meshes/0/primitives/0"}), True),
        (Wrong(objects={"model": {Own.TRANSFORM}}), True),
        (Wrong(materials={"body"}), False),
    ],
)
def test_the_box_stays_where_it_is_not_known_how_large_the_rest_would_be(
    wrong: Wrong, is_before: bool
) -> None:
    now, earlier = model((0, 0, 0), (9, 1, 1)), model((0, 0, -1), (1, 1, 1))
    kept = keep_wrong(now, earlier, wrong).box
    assert kept.low.tolist() == [0, 0, -1]
    assert kept.high.tolist() == ([1, 1, 1] if is_before else [9, 1, 1])
