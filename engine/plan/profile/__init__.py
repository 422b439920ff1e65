"""Device profiles: everything a plan must know of a GPU, as data that is recorded and read from a file."""
