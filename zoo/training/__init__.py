"""How the networks are trained: many seeds at once, resumably."""
