"""ONNX graphs with operations that are not ours: layers as torch modules, what lies between them in ONNX Runtime."""
