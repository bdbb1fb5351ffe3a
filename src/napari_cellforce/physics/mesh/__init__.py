"""Triangle meshes of cells, from their masks."""

from napari_cellforce.physics.mesh.cell import AUTHORS, Mesh, MeshSettings, mesh_cell

__all__ = ["AUTHORS", "Mesh", "MeshSettings", "mesh_cell"]
