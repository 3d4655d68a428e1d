"""The program for notebooks and scripts: `analyse` a checkpoint or a live module."""
