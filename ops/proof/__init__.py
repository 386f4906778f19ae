"""Proving what arrived: an exact point of both sides, the account, the life of a row."""
