"""What the pipeline is doing, for people and for programs."""
