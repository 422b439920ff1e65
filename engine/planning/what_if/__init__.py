"""Plans made aside, on a twin of the tableau: for a switch that is not pressed, for another device."""
