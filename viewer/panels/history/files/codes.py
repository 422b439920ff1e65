"""The stable codes of problems with snapshot files."""

from engine.humon import ProblemCode


class SnapshotCode(ProblemCode):
    """The codes of reading a snapshot."""

    ALONE = (
        "snapshot.alone",
        "A snapshot is opened with scenes, scripts or outputs; it is shown by itself.",
    )
    VERSION = "snapshot.version", "The snapshot was written by another version of the viewer."
    ROW = "snapshot.row", "A line in a snapshot is no row of its table: a number is missing or out of range."
    TABLE = (
        "snapshot.table",
        "Rows of a snapshot contradict each other: an id is there twice, or not at all.",
    )
