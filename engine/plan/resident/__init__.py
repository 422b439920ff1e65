"""What is on the device at any moment, and the steps that may change it."""
