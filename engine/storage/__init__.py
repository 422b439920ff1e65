"""Buffers, atlases, updators and staging for code with GPU data of its own (classes of seeds 000 and 001)."""
