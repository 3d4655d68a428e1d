"""LeNet-5 with ReLU and with Abs, left open in as-NN."""
