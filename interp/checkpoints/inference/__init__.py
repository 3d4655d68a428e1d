"""What a file leaves open, found from shapes and data: layers in order, scaling, activation, output, task, fit."""
