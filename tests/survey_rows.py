"""Rows of a survey whose networks are known."""

import numpy as np
import pandas as pd

SEEDS = range(5)


def planted(first: float, last: float, activation: str = "relu", skew: float = 1.0) -> pd.DataFrame:
    """Rows of networks of two to four hidden layers on two data sets whose first and last layers are known."""
    rng = np.random.default_rng(0)
    rows = []
    for data in ("digits", "mnist"):
        for depth in (2, 3, 4):
            for seed in SEEDS:
                for layer in range(1, depth + 1):
                    inside = {1: first, depth: last}.get(layer, 0.0) + rng.normal(0, 0.02)
                    rows.append(
                        {
                            "source": "survey",
                            "data": data,
                            "activation": activation,
                            "depth": depth,
                            "seed": seed,
                            "layer": layer,
                            "accuracy": 0.9,
                            "balance": inside + 0.05,  # the copies' middle
                            "shuffled_median": 0.06,
                            "fresh_median": 0.04,
                            "shuffled_low": -0.1,
                            "shuffled_high": 0.2,
                            "leaning": "distances" if inside > 0.1 else "neither",
                            "kept_given": 0.9,
                            "kept_shuffled": 0.7,
                            "kept_fresh": 0.8,
                            "kept_p_shuffled": 0.05,
                            "kept_p_fresh": 0.3,
                            "skewness": -skew * inside,
                            "upper_share": skew * inside,
                        }
                    )
    return pd.DataFrame(rows)
