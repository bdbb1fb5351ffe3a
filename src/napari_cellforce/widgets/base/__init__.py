"""What every panel is built of: rows, the blue button, plots, work off the GUI thread, what is remembered."""
