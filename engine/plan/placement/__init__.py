"""From needs to a plan: where each need goes, what is given up when memory is short, and compaction."""
