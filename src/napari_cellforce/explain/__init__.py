"""Whole readings of a model: its fields, Green's functions, formula, and how it answers to changes."""
