"""The resident state: what is on the device at any moment, and the steps that change it."""
