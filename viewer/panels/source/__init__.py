"""The panel of source texts: the line of a scene or database that a link leads to."""
