"""The properties of selected objects: transforms, flags and the fields of features."""
