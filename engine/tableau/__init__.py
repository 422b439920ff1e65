"""Objects and their features as numpy columns, reached through light handles."""
