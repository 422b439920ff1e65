"""Running a schedule over frames: the memory manager, its executor, and the transfers out of cache files."""
