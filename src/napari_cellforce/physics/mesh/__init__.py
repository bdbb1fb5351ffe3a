"""Triangle meshes of cells, generated from masks."""

from napari_cellforce.physics.mesh.cell import PUBLISHED_SETTINGS, Mesh, MeshSettings, mesh_cell

__all__ = ["PUBLISHED_SETTINGS", "Mesh", "MeshSettings", "mesh_cell"]
