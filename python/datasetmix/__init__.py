"""Load, reward and evaluate over the mixes that DatasetMix publishes."""

__version__ = "0.1.0"
