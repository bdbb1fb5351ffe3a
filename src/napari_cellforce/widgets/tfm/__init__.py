"""The panel "Measured traction (TFM)"."""
