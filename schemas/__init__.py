"""The contract between producers and consumers, as values and pure functions."""
