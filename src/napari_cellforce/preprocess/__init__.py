"""What happens to an image before a model sees it: the cell's mask, normalisation, resampling, cropping."""
