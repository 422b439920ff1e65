"""Command buffers for memory work.

- `recorder`: command buffers of one queue, and the timeline that its submits signal
- `queues`: the graphics and the transfer queue, and ownership transfers between their families
- `copies`: records uploads, moves, zeroing and ownership transfers; `barriers`: the barriers around them
- `deletion_queue`: destroys objects after the last submit that used them
- `structures`: arrays of C structs as numpy columns, for calls that take thousands of regions
"""
