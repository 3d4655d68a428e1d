"""The page: results in, one self-contained report.html with its report.json and figures out."""

from interp.report.document.document import document
from interp.report.page import write_report
from interp.report.sections import SECTIONS

__all__ = ["SECTIONS", "document", "write_report"]
