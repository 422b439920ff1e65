"""Requirements: which asset or transient is needed, on what terms, by whom; merged into one need per key."""
