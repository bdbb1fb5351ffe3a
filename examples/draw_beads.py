"""Draw a cell on a gel with beads: the images of a traction force microscopy experiment, and the truth.

Run with ``python examples/draw_beads.py``; writes into the folder ``beads``.
"""

from pathlib import Path

from napari_cellforce.fields import ImageStack
from napari_cellforce.io import write_field, write_mask, write_stack
from napari_cellforce.physics.halfspace import displacement
from napari_cellforce.synthetic import CellConfig, SheetMechanics, simulate
from napari_cellforce.synthetic.beads import BeadConfig, bead_pair

PIXEL, YOUNG, POISSON = 0.2, 8000.0, 0.48  # µm, Pa

cell = simulate(CellConfig(mechanics=SheetMechanics(), side=720, pixel_size=PIXEL), seed=1)
moved = displacement(cell.traction.data[0], PIXEL, YOUNG, POISSON, padding=1)
beads = bead_pair(moved, BeadConfig(pixel_size=PIXEL), drift=(1.3, -0.7), seed=2)

folder = Path("beads")
size = cell.traction.pixel_size
for name, image in (("reference", beads.reference), ("loaded", beads.loaded)):
    write_stack(folder / f"{name}.ome.tif", ImageStack(image[None, None], ("beads",), size, name=name))
write_mask(folder / "cell.ome.tif", cell.mask, size)
write_field(folder / "true_traction.ome.tif", cell.traction)
print(f"largest displacement {abs(moved).max() / PIXEL:.1f} pixels, drift 6.5 and -3.5 pixels")
