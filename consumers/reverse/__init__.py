"""The way back: after the switch, changes of the target reach the legacy database."""
