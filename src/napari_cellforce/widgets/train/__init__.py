"""The panel "Train a predictor"."""
