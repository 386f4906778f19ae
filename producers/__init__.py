"""Capture: from a PostgreSQL database into Kafka topics."""
