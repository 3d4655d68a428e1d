"""What keeps a file from running code, filling memory or hanging a reader."""

from interp.safety.imports import call_name, called, import_name, is_import, look_up, problem
from interp.safety.json_files import LONGEST_PAGE, read_json, read_mapping
from interp.safety.pickle_scan import UnsafePickle, check_pickle
from interp.safety.weights import classes_given_items, load_weights

__all__ = [
    "LONGEST_PAGE",
    "UnsafePickle",
    "call_name",
    "called",
    "check_pickle",
    "classes_given_items",
    "import_name",
    "is_import",
    "load_weights",
    "look_up",
    "problem",
    "read_json",
    "read_mapping",
]
