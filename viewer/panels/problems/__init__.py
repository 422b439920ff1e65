"""The panel of problems: what is wrong with the scene, its assets and features, and what to do."""
