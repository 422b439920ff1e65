"""Objects and their features as numpy columns, reached through light handles.

An object is a frame (a transform below a parent) and a container of features. Objects share one set of
columns, see `tableau`; each feature type has a table of its own, see `table`. What depends on the tree
(world matrices, effective flags) is made level by level for whole arrays and only where something changed.
"""

from engine.tableau.handles import FeatureHandle, ObjectHandle, StaleHandle
from engine.tableau.journal import Journal
from engine.tableau.schema import NO_ASSET, FeatureSchema, FieldKind, FieldSpec
from engine.tableau.table import FeatureTable
from engine.tableau.tableau import Tableau
from engine.tableau.tree import ROOT, NameTaken

__all__ = [
    "NO_ASSET",
    "ROOT",
    "FeatureHandle",
    "FeatureSchema",
    "FeatureTable",
    "FieldKind",
    "FieldSpec",
    "Journal",
    "NameTaken",
    "ObjectHandle",
    "StaleHandle",
    "Tableau",
]
