"""Running it: commands, wiring, the embedded stack."""
