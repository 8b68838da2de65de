"""Load, reward and evaluate over the mixes that DatasetMix publishes."""

from datasetmix.data_manager import DataManager

__all__ = ["DataManager"]
__version__ = "0.1.0"
