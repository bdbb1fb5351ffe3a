"""Read a result with nothing but tifffile."""

import tifffile

with tifffile.TiffFile("cell_traction.ome.tif") as file:
    traction, mask = file.series[0].asarray(), file.series[1].asarray()
strength = (traction**2).sum(axis=-3) ** 0.5  # |F|, a frame each
print(traction.shape, mask.shape, f"mean |F| in the cell: {strength[..., mask[0] > 0].mean():.0f}")
