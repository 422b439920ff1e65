"""The skin feature: objects below this one are the bones that bend what it draws."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

from engine.feature import Feature, FeatureRows, FrameView
from engine.feature.fault import Fault
from engine.tableau import Tableau, find_object
from engine.tableau.schema import Names, text_field

MOST_NAMED = 3
"""How many missing bones a fault names."""


class Skin(Feature):
    """What the object draws follows its bones: objects below it with the names of its mesh's skeleton.

    Shaders read the placements of bones beside those of all objects, so moving one writes nothing here.
    """

    type_name = "skin"
    fields = (
        text_field(
            "bones",
            names=Names.OBJECT,
            help="path of the object that the bones are below; without it, they are below this one",
        ),
    )
    bends = ("visibleModel", "shadowCaster")
    buffers = ("skins", "bones")

    def buffer_rows(self, rows: FeatureRows) -> Mapping[str, int]:
        """A row for the number of objects, one for each up to the last skinned one, and one for each bone."""
        if not len(rows):
            return {}
        return {"skins": int(rows.objects.max()) + 2, "bones": len(rows.bones.objects)}

    def buffer_values(self, frame: FrameView) -> Mapping[str, Mapping[str, npt.ArrayLike]]:
        """Return the number of objects, the bones of each, and for each bone its object and bind matrix."""
        bones = frame.bones
        objects = np.flatnonzero(bones.first >= 0)
        if not len(objects):
            return {}
        size = int(objects[-1]) + 1
        binds = bones.binds
        return {
            "skins": {
                "first": np.append(0, np.maximum(bones.first[:size], 0)),
                "count": np.append(size, bones.count[:size]),
            },
            "bones": {
                "object": bones.objects,
                "right": binds[:, 0, :3],
                "up": binds[:, 1, :3],
                "back": binds[:, 2, :3],
                "place": binds[:, 3, :3],
                "hand": np.where(np.linalg.det(binds[:, :3, :3]) < 0, -1.0, 1.0),
            },
        }

    def faults(self, frame: FrameView) -> Iterable[Fault]:
        """Skins without a mesh with a skeleton, and those whose bones are not all there."""
        rows, bones = frame.enabled(self.type_name), frame.bones
        enabled = set(rows.indices.tolist())
        for row in enabled.intersection(bones.bare):
            yield Fault(
                row,
                "skin.mesh",
                "the object draws no mesh with a skeleton",
                "give its visibleModel a model whose mesh has a `skeleton`; until then nothing is bent",
            )
        for row in enabled.intersection(bones.lost):
            message, advice = bones.lost[row]
            if message:
                yield Fault(row, "skin.bones", f"`bones` names no object: {message}", advice, "bones")
        for row, names in bones.missing.items():
            if row in enabled and row not in bones.lost and not _are_left_out(rows, row, frame.tableau):
                some = ", ".join(f"'{name}'" for name in names[:MOST_NAMED])
                more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
                yield Fault(
                    row,
                    "skin.bones",
                    f"there is no object for the bone{'s' if len(names) > 1 else ''} {some}{more}",
                    "add objects of these names below it; what they move stays as the mesh has it",
                    "bones",
                )


def _are_left_out(rows: FeatureRows, row: int, tableau: Tableau) -> bool:
    """Whether objects are left out of the text, and reported, where the bones of a skin would be."""
    index = int(np.flatnonzero(rows.indices == row)[0])
    of, below = int(rows.objects[index]), str(rows["bones"][index])
    return tableau.gaps.has_below(find_object(tableau, below, of).path if below else tableau.path(of))
