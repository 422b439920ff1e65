"""What the panels of one window share: selection, links, commands, preferences. Nothing here draws.

session       one opened scene, and all of the below
selection     what is selected: objects, a feature, an asset, a piece of memory
links         from one thing to another: followed by whoever shows it
commands      what menus, keys and the command palette offer
pictures      thumbnails of assets and images of the frame, made aside
notices       what was done, shown for a while
opening       opening files, and which can be opened
preferences   what is kept between runs: layout, theme, recent files
frame_history   the last frames as columns, and the causes of hitches
run_statistics  the figures of the present frame
"""
