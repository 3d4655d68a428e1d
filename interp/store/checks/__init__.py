"""Checks of a file, whoever wrote it: its structure, its seal, and what would keep HDF5 busy for ever."""
