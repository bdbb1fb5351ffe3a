"""Figures and pages about results, for people who were not there."""

from napari_cellforce.report.figures import Course, draw_overview
from napari_cellforce.report.page import BatchPage, Section, write_page

__all__ = ["BatchPage", "Course", "Section", "draw_overview", "write_page"]
