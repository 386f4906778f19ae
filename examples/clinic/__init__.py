"""The reference migration: a clinic."""
