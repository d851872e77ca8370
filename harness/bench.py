"""The composition root: the only place that wires the parts of a bench together."""
