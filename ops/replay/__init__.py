"""Replaying topics: over the live target, or into a schema of its own that changes places with it."""
