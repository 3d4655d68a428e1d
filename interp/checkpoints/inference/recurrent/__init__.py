"""Networks of an embedding, recurrent layers and dense layers, from their tensors alone."""
