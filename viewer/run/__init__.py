"""One run of the viewer: opens the scene, draws frames in a window or headless, writes the output files.

run                 the loop over frames
frames              the protocol of frames; windowed and headless draw them
presenter           copies the scene's picture and the UI to the swapchain
device_recovery     continues after a lost device
script_playback, script_recording       `--script` and `--record`
scene_loading       another scene, read aside while the present one is drawn
screenshots         pictures on command
scene_opening, output_files, statistics_collector
"""
