"""From the tensors of a bare state dict to layers in running order."""
