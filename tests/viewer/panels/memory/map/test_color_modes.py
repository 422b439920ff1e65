"""Each way to colour the map shows what it says, and its legend's bytes are all bytes."""

from __future__ import annotations

import numpy as np
import pytest
from support.memory_maps import PALETTE, random_plan
from support.plans import cube_plan, large_plan

from engine.plan.model.plan import Plan
from viewer.panels.memory.map.color_modes import Coloring, ColorMode, coloring, fragmentation, stable_colors
from viewer.panels.memory.map.places import Places
from viewer.panels.memory.map.tiles import Tiles
from viewer.panels.memory.request_columns import RequestColumns


def colored(plan: Plan, mode: ColorMode) -> tuple[Tiles, Coloring]:
    tiles = Tiles.of(Places.of(plan), plan.waiting)
    return tiles, coloring(mode, plan, tiles, RequestColumns(plan.requirements), PALETTE)


@pytest.mark.parametrize("mode", ColorMode)
@pytest.mark.parametrize("seed", range(3))
def test_every_place_has_a_color_and_the_legend_all_bytes(mode: ColorMode, seed: int) -> None:
    tiles, found = colored(random_plan(seed), mode)
    assert len(found.codes) == len(tiles.places)
    assert len(found.colors) == len(found.labels) == len(found.sizes)
    assert ((found.codes >= 0) & (found.codes < len(found.colors))).all()
    begin, used, _ = tiles.places.ranges
    assert int(found.sizes.sum()) == int((used - begin).sum())
    assert (np.bincount(found.codes, used - begin, len(found.colors)) == found.sizes).all()


def labels_of(mode: ColorMode) -> dict[str, str]:
    """The label of each key of the cube's plan, by its name."""
    plan = cube_plan()
    tiles, found = colored(plan, mode)
    keys = tiles.places.subresources["key"].tolist()
    return {
        plan.requirements.keys.name(key): found.labels[code]
        for key, code in zip(keys, found.codes.tolist(), strict=True)
    }


def test_usages_features_kinds_objects_and_assets_differ() -> None:
    vertices, indices, shadow = "assetDb: 0 asset: 2", "assetDb: 0 asset: 3", "shadowMap"
    assert labels_of(ColorMode.USAGE) == {
        vertices: "vertices",
        indices: "indices",
        shadow: "depth attachments",
    }
    assert labels_of(ColorMode.KIND) == {vertices: "buffers", indices: "buffers", shadow: "images"}
    assert labels_of(ColorMode.FEATURE) == {
        vertices: "several features",
        indices: "several features",
        shadow: "shadowCaster",
    }
    assert set(labels_of(ColorMode.OBJECT).values()) == {"cube"}
    assert labels_of(ColorMode.ASSET) == {name: name for name in (vertices, indices, shadow)}


def test_more_values_than_colors_share_the_last() -> None:
    plan = large_plan(1000)
    _, found = colored(plan, ColorMode.OBJECT)
    assert found.labels[-1] == f"{100 - len(PALETTE.categories)} others"
    assert found.labels[0].startswith("object")
    assert found.sizes[-1] == 256 * 10 * (100 - len(PALETTE.categories))


def test_colors_stay_when_others_come_and_go() -> None:
    names = [f"object {number}" for number in range(len(PALETTE.categories))]
    whole = dict(zip(names, stable_colors(names, PALETTE), strict=True))
    assert len(set(whole.values())) == len(names)
    assert stable_colors(names[:2], PALETTE) == (whole[names[0]], whole[names[1]])
    assert stable_colors(names[:1], PALETTE) == stable_colors([names[0], names[3]], PALETTE)[:1]


def test_features_keep_their_colors_when_more_features_are_known() -> None:
    plan = large_plan(100)
    _, few = colored(plan, ColorMode.FEATURE)
    for number in range(2 * len(PALETTE.categories)):
        plan.requirements.requesters.add(f"feature {number}")
    _, many = colored(plan, ColorMode.FEATURE)
    assert (many.labels, many.colors) == (few.labels, few.colors)


def test_age_follows_the_order_in_which_resources_were_made() -> None:
    tiles, found = colored(random_plan(1), ColorMode.AGE)
    order = np.argsort(tiles.places.subresources["resource"], kind="stable")
    assert (np.diff(found.codes[order]) >= 0).all()
    assert found.codes.min() == 0


def test_fragmentation_is_the_share_of_free_bytes_outside_of_the_largest_range() -> None:
    tiles, _ = colored(random_plan(2), ColorMode.KIND)
    scores = fragmentation(tiles)
    for row in range(len(tiles.places.allocations)):
        low, high = tiles.places.bases[row : row + 2]
        inside = (tiles.starts[:-1] >= low) & (tiles.starts[:-1] < high)
        free = tiles.sizes[inside & np.isin(tiles.states, [3, 4, 5])]
        expected = 1 - free.max() / free.sum() if len(free) else 0.0
        assert scores[row] == pytest.approx(expected)
    assert scores.max() > 0
