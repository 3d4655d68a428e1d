"""The program for a terminal: ``interp COMMAND``, the same as ``python -m interp COMMAND``."""
