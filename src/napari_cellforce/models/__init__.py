"""Predictors: networks, filters and formulas with one protocol, and their files."""
