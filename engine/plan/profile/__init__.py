"""Device profiles: everything that a plan needs to know about a GPU, recorded to and read from a file."""
