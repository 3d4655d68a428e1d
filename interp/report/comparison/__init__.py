"""The page of a comparison: what `interp.comparison` found, as compare.html and compare.json; computes no statistic."""
