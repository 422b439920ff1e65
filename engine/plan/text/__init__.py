"""Plans and schedules as text: written, read back, validated, compared and explained."""
