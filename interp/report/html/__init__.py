"""Sections to HTML: the template, its style and its script, rendered without anything else."""
