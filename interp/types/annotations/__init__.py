"""Annotations on the fields of results and options: shapes, columns, and flags of settings."""
