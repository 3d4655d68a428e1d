"""Networks whose activations, scaling and layout are known, and how what is inferred of their weights is counted."""
