"""The features that ship with Diorama, one file each, found through the registry."""
