"""Load, reward and evaluate over the mixes that DatasetMix publishes."""
