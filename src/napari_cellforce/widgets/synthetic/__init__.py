"""The panel "Synthetic cell"."""
