"""Requirements: which assets and transients are needed, how and by whom; merged into one need per key."""
