"""Recurrent layers written as plain loops over numpy arrays, after the formulas in torch's documentation."""

import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def plain_cell(kind, x, states, weights, change=lambda gate, values: values):
    """One step; `change` sees (gate, outputs of its activation). Returns z of each gate, and the new states."""
    w_ih, w_hh, b_ih, b_hh = weights
    h = states[0]
    if kind in ("RNN_TANH", "RNN_RELU"):
        z = x @ w_ih.T + b_ih + h @ w_hh.T + b_hh
        out = np.tanh(z) if kind == "RNN_TANH" else np.maximum(z, 0)
        return {"hidden": z}, [change("hidden", out)]
    of_x, of_h = x @ w_ih.T + b_ih, h @ w_hh.T + b_hh
    if kind == "LSTM":
        i, f, g, o = np.split(of_x + of_h, 4, axis=1)
        z = {"input": i, "forget": f, "cell": g, "output": o}
        i, f, o = (change(name, sigmoid(z[name])) for name in ("input", "forget", "output"))
        c = f * states[1] + i * change("cell", np.tanh(g))
        z["hidden"] = o * np.tanh(c)
        return z, [change("hidden", z["hidden"]), c]
    (r, u, n), (r_h, u_h, n_h) = np.split(of_x, 3, axis=1), np.split(of_h, 3, axis=1)
    z = {"reset": r + r_h, "update": u + u_h}
    r, u = (change(name, sigmoid(z[name])) for name in ("reset", "update"))
    z["new"] = n + r * n_h
    z["hidden"] = (1 - u) * change("new", np.tanh(z["new"])) + u * h
    return z, [change("hidden", z["hidden"])]


def plain_layers(fused, x, changes=None):
    """All layers in all directions on x (B, T, D): z of every gate by its name (B, T, N), and the last outputs."""
    changes, found = changes or {}, {}
    for layer in range(fused.num_layers):
        sides = []
        for end in ("", "_reverse")[: 1 + fused.bidirectional]:
            at = f"l{layer}{end}"
            names = (f"{part}_{at}" for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
            weights = [getattr(fused, name).detach().double().numpy() for name in names]

            def change(gate, values, at=at):
                return changes.get(f"{at}.{gate}", lambda same: same)(values)

            states = [np.zeros((len(x), fused.hidden_size))] * 2
            outputs, order = [None] * x.shape[1], range(x.shape[1])
            for step in reversed(order) if end else order:
                z, states = plain_cell(fused.mode, x[:, step], states, weights, change)
                outputs[step] = states[0]
                for gate, values in z.items():
                    found.setdefault(f"{at}.{gate}", [None] * x.shape[1])[step] = values
            sides.append(np.stack(outputs, 1))
        x = np.concatenate(sides, 2)
    return {name: np.stack(values, 1) for name, values in found.items()}, x
