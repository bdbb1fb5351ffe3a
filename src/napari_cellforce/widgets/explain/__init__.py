"""The panel "Explain forces"."""
