"""Dialogs over the panels: the command palette, the sheet of keys, opening and saving files.

dialogs          all of them, and their commands
palette_model    what the palette offers for a text
command_palette  the palette
key_sheet        all keys and what the mouse does
folder_model     what a folder has to open
typed_path       a path that is typed, and the folder that it leads to
modal            the shell of the two that follow
file_browser     the dialog that opens a file of it
save_dialog      the dialog that saves the scene under another name
"""
