"""Networks whose class is known by name: the user's, the zoo's, torchvision's, timm's, transformers'."""
