"""How far findings depend on the threshold: component tree, persistence, robustness, sweeps, agreement."""
