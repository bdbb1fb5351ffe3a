"""What the viewer holds, as fields: places, masks and images of napari's layers, without Qt."""
