"""How memory was: snapshots and their delta, and the timeline of plans."""
