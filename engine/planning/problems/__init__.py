"""What is wrong with features in a frame: what they declare, their rows, and what is absent."""
