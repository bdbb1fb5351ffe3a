"""Preparation of images for a model: mask of the cell, normalisation, resampling, cropping."""
