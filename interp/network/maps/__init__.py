"""The linear map behind a layer's nodes: its weights, and the rows of inputs that they are multiplied with."""
