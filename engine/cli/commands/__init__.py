"""The commands of `python -m engine`, each with its module and a function `run`."""
