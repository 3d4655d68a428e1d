"""Networks of attention blocks, from their tensors alone."""
