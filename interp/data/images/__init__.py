"""Images as arrays, in another order of their axes, another size or other channels."""
