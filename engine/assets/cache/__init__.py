"""Cache files: written, believed only after every check, and found fresh or stale."""
