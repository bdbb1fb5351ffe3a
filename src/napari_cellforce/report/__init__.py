"""Pages and pictures about many results, for people."""

from napari_cellforce.report.figures import TimeSeries, draw_overview
from napari_cellforce.report.page import BatchPage, ModelResult, ModelSummary, Picture, write_page

__all__ = ["BatchPage", "ModelResult", "ModelSummary", "Picture", "TimeSeries", "draw_overview", "write_page"]
