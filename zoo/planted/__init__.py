"""Networks and nodes whose truth is known because they were built to have it: what a verdict is measured on."""

from zoo.planted.families import DATA, FAMILIES, Wish, plant
from zoo.planted.nodes import NODES, PlantedNode, layer_of, plant_node
from zoo.planted.planted import Planted

__all__ = ["DATA", "FAMILIES", "NODES", "Planted", "PlantedNode", "Wish", "layer_of", "plant", "plant_node"]
