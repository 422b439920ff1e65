"""What a switch would change, and what the scene would take on another device."""
