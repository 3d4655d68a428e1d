"""The page: results in, one self-contained report.html with its report.json and figures out."""

from interp.report.document import document

__all__ = ["document"]
