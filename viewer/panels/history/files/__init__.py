"""Snapshots as files: written, read after every check, and printed."""
