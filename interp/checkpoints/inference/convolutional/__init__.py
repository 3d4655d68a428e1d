"""Stacks of convolutions: what padding, stride and pooling may stand between them."""
