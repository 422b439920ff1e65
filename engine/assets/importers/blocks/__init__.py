"""Textures of 4 x 4 blocks: compressed and decoded in processes beside ours."""
