"""What the operator sees: probes, metrics, ``earmark status``."""
