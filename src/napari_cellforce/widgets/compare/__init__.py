"""The panel "Compare with measured"."""
