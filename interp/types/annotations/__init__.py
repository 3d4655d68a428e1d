"""Annotations on the fields of results and options: shapes, columns, flags of settings, and tables."""
