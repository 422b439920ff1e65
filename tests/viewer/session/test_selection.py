"""The selection: what is selected with what, and what is left of it when objects go."""

from __future__ import annotations

import numpy as np

from viewer.session.selection import Selection


def test_objects_are_selected_alone_added_and_toggled() -> None:
    selection = Selection()
    selection.select([5, 2])
    assert selection.objects.tolist() == [2, 5]
    selection.select([9], add=True)
    assert (selection.objects.tolist(), selection.primary) == ([2, 5, 9], 9)
    selection.select([5], toggle=True)
    assert (selection.objects.tolist(), selection.primary) == ([2, 9], 9)
    selection.select([9], toggle=True)
    assert (selection.objects.tolist(), selection.primary) == ([2], 2)
    selection.select([7])
    assert selection.objects.tolist() == [7]


def test_every_change_has_another_version() -> None:
    selection = Selection()
    versions = [selection.version]
    for change in (
        lambda: selection.select([1]),
        lambda: selection.select_feature("light", 0, 1),
        lambda: selection.select_asset(7),
        lambda: selection.select_memory((1, 3)),
        selection.clear,
    ):
        change()
        versions.append(selection.version)
    assert len(set(versions)) == len(versions)
    assert (selection.feature, selection.asset, selection.memory, selection.primary) == (None,) * 4


def test_objects_that_are_gone_are_not_selected_any_more() -> None:
    selection = Selection()
    selection.select([1, 3, 8])
    version = selection.version
    selection.keep(np.array([False, True, True, True, True, True, True, True, True]))
    assert selection.version == version
    selection.keep(np.array([True, True, True, False]))
    assert (selection.objects.tolist(), selection.primary) == ([1], 1)
