"""Limits of trials: time and memory of one, sizes of messages and of the record."""

CPU_SECONDS = 10
"""Most processor time of one trial, in whole seconds.

Closing waits for as long where the driver compiles the pipeline here, too, and does not find again what it
has compiled.
"""

SECONDS = 30.0
"""Longest wall-clock time of one trial, and of opening the device, in seconds."""

DATA_BYTES = 1 << 30
"""Most memory that one trial may take, beyond what the process has with an open device, in bytes."""

MAX_HEADER_BYTES = 1 << 20
"""Largest text of a message, in bytes."""

MAX_BLOB_BYTES = 16 << 20
"""Largest binary part of a message, in bytes."""

MAX_BLOBS = 8
"""Most binary parts of a message."""

MAX_RECORD_BYTES = 1 << 20
"""Largest record of trials, in bytes."""

MAX_RECORDS = 4096
"""Most trials in the record; the oldest go first."""

MAX_REASON = 200
"""Longest reason in the record, in characters."""
