"""Damage to what HDF5 files are made of."""
