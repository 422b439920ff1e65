"""The schedule: its steps as they run, what they cost, and holding them."""
