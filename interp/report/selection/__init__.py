"""Finding things in results, and choosing what is shown where there is no room for all."""
