"""One run of the viewer: opening the scene, drawing frames windowed or headless, and writing the results."""
