"""Pages and pictures about many results, for people."""

from napari_cellforce.report.figures import TimeSeries, draw_overview
from napari_cellforce.report.page import BatchPage, ModelSummary, Picture, Result, write_page

__all__ = ["BatchPage", "ModelSummary", "Picture", "Result", "TimeSeries", "draw_overview", "write_page"]
