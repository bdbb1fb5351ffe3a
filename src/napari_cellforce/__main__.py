"""``python -m napari_cellforce``, where the command ``cellforce`` is not on the path."""

from napari_cellforce.cli import main

main()
