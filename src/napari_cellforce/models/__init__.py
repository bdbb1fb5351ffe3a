"""Predictors: networks and filters behind one protocol, and the files they come in."""
