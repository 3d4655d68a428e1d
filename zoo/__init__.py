"""The networks of three papers on distances in neural networks, and how they were trained."""
