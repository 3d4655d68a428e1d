"""What of a layer's outputs the following layers read: which part of each node's range, and how finely."""
