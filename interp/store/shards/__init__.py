"""Recordings of which each rank of a job wrote a file of its own, and how they are read as one."""
