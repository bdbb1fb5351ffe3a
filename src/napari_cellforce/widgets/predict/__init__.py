"""The panel "Predict forces"."""
