"""One run of the viewer: opens the scene, draws frames in a window or headless, writes the output files."""
