"""Dialogs over the panels: the command palette, the sheet of keys, opening files.

dialogs          all of them, and their commands
palette_model    what the palette offers for a text
command_palette  the palette
key_sheet        all keys and what the mouse does
folder_model     what a folder has to open
file_browser     the dialog that opens it
"""
