"""The panel of the scene's time: play, pause, scrub, speed, frame by frame; what moves with it."""
