"""Objects and their features as numpy columns, with light handles for single ones.

An object is a frame (a transform relative to a parent) and a container of features. All objects share one
set of columns, see `tableau`; each feature type has its own table, see `table`. World matrices and effective
flags are computed level by level for whole arrays, and only for what changed.
"""

from engine.tableau.bindings import Bindings, Unbound, find_object
from engine.tableau.clock import Clock
from engine.tableau.handles import FeatureHandle, ObjectHandle, StaleHandle
from engine.tableau.journal import Journal
from engine.tableau.schema import NO_ASSET, FeatureSchema, FieldKind, FieldSpec
from engine.tableau.table import FeatureTable
from engine.tableau.tableau import Tableau
from engine.tableau.tree import ROOT, NameTaken

__all__ = [
    "NO_ASSET",
    "ROOT",
    "Bindings",
    "Clock",
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
    "Unbound",
    "find_object",
]
