"""Migrations to read, run and copy."""
