"""Golden pictures and plan texts: stored beside the test, compared, and updated only after review."""
