"""Arrays in, results out: moments, mixtures, boundaries, prototypes and clusters beside their nulls."""
