"""From needs to a plan: placement of every need, fallbacks when memory is short, returns, compaction."""
