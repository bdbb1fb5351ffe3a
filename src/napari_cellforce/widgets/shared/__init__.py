"""What panels share about the viewer: its images, cells, fields and models, and results shown as layers."""
