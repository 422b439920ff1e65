"""Changes of a scene that can be undone, saved, copied and recovered. Nothing here draws.

editing       all of it for one opened scene
history       the changes, done and undone, within a number of bytes
value_edit    a change of values: transforms, flags, fields, of many objects at once
tree_edits    changes of objects and features: added, removed, renamed, put below others
exact_places  where objects are in the world, for those that are put below another parent
editor        all that is done by hand to a scene, by objects, each as one change
clipboard     objects and features as Humon text, and back
file_changes  what differs from the files, and the values that they have
reverting     back to what the files have
saving        writes the files, and takes in what others have written meanwhile
recovery      changes that are not saved, kept aside for the case of a crash
unsaved       what the recovery file says, and doing it again
"""
