"""The options of a run, and how they are set: by flags of the command line and keywords of `interp.analyse`."""
