"""What the window shows around the scene: panels, one file each, and their models.

panel, make_panels                      what a panel is; all of them, in their first places
workspace, layout, menu_bar, shortcuts  the window as a whole
outliner/, properties/                   objects and features, and their values
memory/                                 what lies in memory, and why
problems/                               what is wrong, and what to do
history/, schedule/, plans/, what_if/   memory as it was; steps; plans; what would change
parts                                   text that is cut where there is no room, buttons
tree_rows                               trees in columns, flattened into visible rows
sliders                                 numbers that stay in range, however they are typed
compaction_button, widgets, number_format
"""
