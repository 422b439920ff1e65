"""What a feature gives of its rows is taken as a whole, and only where the frame has room for it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pytest

from engine.assets import Member
from engine.feature import Feature, FrameView
from engine.planning.draw.blocks import Block
from engine.planning.draw.frame_layout import FrameLayout
from engine.planning.draw.ring_names import ColumnRing
from engine.planning.draw.sorted_draws import Placed
from engine.planning.values import FrameValues
from engine.tableau import Tableau
from engine.tableau.schema import float_field

ROW = Block([Member("power", 0, 4, "float")], 4)
LAYOUT = FrameLayout([("", Block([Member("lampCount", 0, 4, "float")], 4))])


class Lamps(Feature):
    """A feature with a row, a part and a place for each of its lamps, which says how many there are."""

    type_name = "lamps"
    fields = (float_field("power", 1.0),)
    buffers = ("lamps",)

    def frame_values(self, frame: FrameView) -> Mapping[str, npt.ArrayLike]:
        return {"lampCount": float(len(frame.enabled("lamps")))}

    def buffer_values(self, frame: FrameView) -> Mapping[str, Mapping[str, npt.ArrayLike]]:
        return {"lamps": {"power": frame.enabled("lamps")["power"]}}


class Features(dict[str, Feature]):
    """The features of a registry."""

    @property
    def buffers(self) -> Mapping[str, Feature]:
        return {"lamps": self["lamps"]}

    def is_built_in(self, name: str) -> bool:
        return False


class Frame:
    """A frame that is planned for `rows` rows and `parts` parts, of a tableau with two lamps."""

    def __init__(self) -> None:
        features = Features(lamps=Lamps())
        self.tableau = Tableau([features["lamps"].schema])
        self.tableau.add_feature("lamps", self.tableau.add_objects(2), {"power": 1.0})
        self.reported: list[str] = []
        self.values = FrameValues(features, self.tableau, lambda _, error: self.reported.append(str(error)))  # type: ignore[arg-type]
        self.plan(2, 2)

    def plan(self, rows: int, parts: int) -> None:
        self.rings = {"lamps": ColumnRing("lamps", ROW, rows)}
        self.placed = {"glow": Placed("lamps", parts, "glow")}

    def grow(self) -> None:
        """Add a lamp, and let all shine brighter."""
        self.tableau.add_feature("lamps", self.tableau.add_objects(1), {"power": 1.0})
        self.shine(2.0)

    def shine(self, power: float) -> None:
        lamps = self.tableau.tables["lamps"]
        lamps.set("power", lamps.rows_active(), power)

    def given(self, *, current: bool) -> tuple[float, list[float], int]:
        """The number, the rows, and the count of places that a frame is drawn with."""
        self.tableau.update_world()
        block = self.values.block({}, LAYOUT, (8, 8), self.rings, self.placed, lambda: current)
        assert block is not None
        rows = self.values.columns["lamps"].view(np.float32)[:, 0].tolist()
        return float(block.view(np.float32)[0]), rows, len(self.values.places["lamps"])


@pytest.mark.parametrize(("rows", "parts"), [(3, 2), (2, 3), (2, 2)])
def test_a_feature_gives_what_it_gave_last_as_a_whole_until_its_rows_have_room(rows: int, parts: int) -> None:
    frame = Frame()
    before = frame.given(current=True)
    assert before == (2.0, [1.0, 1.0], 2)
    frame.grow()
    assert [frame.given(current=False) for _ in range(3)] == [before] * 3
    frame.plan(rows, parts)
    count, _, places = frame.given(current=False)
    assert (count, places) == (2.0, 2)
    frame.plan(3, 3)
    assert frame.given(current=True) == (3.0, [2.0, 2.0, 2.0], 3)
    assert frame.reported == []


def test_rows_without_room_in_the_plan_that_was_made_for_them_are_reported() -> None:
    frame = Frame()
    frame.given(current=True)
    frame.grow()
    frame.given(current=False)
    assert frame.reported == []
    assert frame.given(current=True)[1:] == ([0.0, 0.0], 0)
    assert ["there is room for 2" in message for message in frame.reported] == [True]


def test_rows_that_are_gone_again_before_there_is_room_are_as_they_were() -> None:
    frame = Frame()
    before = frame.given(current=True)
    frame.grow()
    frame.given(current=False)
    lamps = frame.tableau.tables["lamps"]
    lamps.remove(np.array([2], np.int32))
    frame.shine(1.0)
    assert frame.given(current=True) == before
