"""The stable codes of problems with snapshot files."""

from engine.humon import ProblemCode


class SnapshotCode(ProblemCode):
    """The codes of reading a snapshot."""

    VERSION = "snapshot.version", "The snapshot was written by another version of the viewer."
    ROW = "snapshot.row", "A line of a snapshot's table is not a row of it: a number is missing, wrong or out of range."
    TABLE = "snapshot.table", "Rows of a snapshot contradict each other: an id twice, or one that is not there."
