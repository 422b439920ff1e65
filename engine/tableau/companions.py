"""Which features must be together on an object, and which must not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from engine.tableau.columns import Rows
from engine.tableau.schema import FeatureSchema

HasFeature = Callable[[str, Rows], NDArray[np.bool_]]
"""A mask of objects, given by their rows, that have a feature of a type."""


def lacking(schema: FeatureSchema, objects: Rows, has: HasFeature) -> Iterator[tuple[str, Rows]]:
    """Yield each feature that this one requires, with the objects that do not have it."""
    for required in schema.requires:
        without = objects[~has(required, objects)]
        if len(without):
            yield required, without


def conflicting(
    schema: FeatureSchema, others: Iterable[FeatureSchema], objects: Rows, has: HasFeature
) -> Iterator[tuple[str, Rows]]:
    """Yield each of the other features that conflicts with this one, with the objects that have it."""
    for other in others:
        if other.type_name in schema.conflicts or schema.type_name in other.conflicts:
            both = objects[has(other.type_name, objects)]
            if len(both):
                yield other.type_name, both


def check_new(schemas: Iterable[FeatureSchema], name: str) -> None:
    """Raise ValueError where the features of a new object, called `name`, cannot be together on it."""
    listed = list(schemas)
    new: Rows = np.zeros(1, np.int32)
    names = {schema.type_name for schema in listed}

    def has(type_name: str, objects: Rows) -> NDArray[np.bool_]:
        return np.full(len(objects), type_name in names)

    for schema in listed:
        for required, _ in lacking(schema, new, has):
            raise ValueError(requires_text(schema.type_name, name, required))
        for other, _ in conflicting(schema, listed, new, has):
            raise ValueError(conflicts_text(schema.type_name, name, other))


def requires_text(type_name: str, path: str, required: str) -> str:
    """Return what is wrong with a feature on an object that lacks what it requires."""
    return f"{type_name} on '{path}' needs {required} on the same object"


def conflicts_text(type_name: str, path: str, other: str) -> str:
    """Return what is wrong with a feature on an object with one that conflicts with it."""
    return f"{type_name} on '{path}' conflicts with {other} on the same object"
