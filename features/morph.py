"""The morph feature: what the object draws is morphed to targets of its mesh, by weights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

from engine.feature import Fault, Feature, FeatureRows, FrameView
from engine.feature.morphs import Shapes
from engine.tableau.schema import numbers_field

FOUR = 4
"""How many weights a row of the buffer holds."""


class Morph(Feature):
    """What the object draws is morphed to the targets of its mesh, by a weight for each.

    Objects of one mesh are drawn together, each with weights of its own.
    """

    type_name = "morph"
    fields = (
        numbers_field(
            "weights",
            minimum=-1000.0,
            maximum=1000.0,
            help="of each target of the mesh, in their order; none: those of the mesh",
        ),
    )
    morphs = ("visibleModel", "shadowCaster")
    buffers = ("morphs", "morphDeltas")

    def buffer_rows(self, rows: FeatureRows) -> Mapping[str, int]:
        """A row for the number of objects, one for each up to the last morphed one, weights, and deltas."""
        shapes = rows.shapes
        if not len(rows) or not shapes.active:
            return {}
        last = int(rows.objects.max())
        return {
            "morphs": last + 2 + shapes.active * _stride(shapes),
            "morphDeltas": int(shapes.first_deltas[-1]),
        }

    def buffer_values(self, frame: FrameView) -> Mapping[str, Mapping[str, npt.ArrayLike]]:
        """Return objects with their weights; the deltas of all targets are the same arrays as before."""
        morphing = frame.morphs
        shapes = morphing.shapes
        if not shapes.active:
            return {}
        stride, size = _stride(shapes), len(shapes.place)
        numbers = np.zeros((size + 1, FOUR), np.uint32)
        numbers[0, 0] = size
        numbers[shapes.objects + 1, 0] = size + 1 + stride * np.arange(len(shapes.objects))
        numbers[shapes.objects + 1, 1] = shapes.counts[shapes.kinds]
        numbers[shapes.objects + 1, 2] = shapes.first_deltas[shapes.kinds]
        weights = np.zeros((len(shapes.objects), stride * FOUR), np.float32)
        weights[:, : shapes.width] = morphing.weights
        rows = weights.view(np.uint32).reshape(-1, FOUR)
        return {"morphs": {"numbers": np.concatenate((numbers, rows))}, "morphDeltas": frame.deltas()}

    def faults(self, frame: FrameView) -> Iterable[Fault]:
        """Morphs without targets, with those of two meshes, and those with another number of weights."""
        morphing = frame.morphs
        shapes, enabled = morphing.shapes, set(frame.enabled(self.type_name).indices.tolist())
        for row in enabled.intersection(shapes.bare):
            yield Fault(
                row,
                "morph.targets",
                "the object draws no mesh with morph targets",
                "give its visibleModel a model whose mesh has `targets`; until then nothing is morphed",
            )
        for row in enabled.intersection(shapes.mixed):
            yield Fault(
                row,
                "morph.mesh",
                "the object shows one mesh with targets and casts the shadow of another one",
                "let its shadowCaster cast the visible model; until then nothing is morphed",
            )
        kinds = dict(zip(shapes.rows.tolist(), shapes.kinds.tolist(), strict=True))
        for row, given in morphing.wrong.items():
            count = len(shapes.facts[kinds[row]].names)
            names = ", ".join(shapes.facts[kinds[row]].names[:3]) + (", ..." if count > 3 else "")
            yield Fault(
                row,
                "morph.weights",
                f"there {'is 1 weight' if given == 1 else f'are {given} weights'} for a mesh with {count} "
                f"target{'s' if count > 1 else ''}",
                f"give one for each of {names}; those that fit are used",
                "weights",
            )


def _stride(shapes: Shapes) -> int:
    """Return how many rows the weights of an object take."""
    return -(-shapes.width // FOUR)
