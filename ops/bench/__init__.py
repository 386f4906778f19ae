"""Measurements of the pipeline on the embedded stack; figures are compared within one run only."""
