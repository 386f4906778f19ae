"""The embedded stack: two PostgreSQL servers, Kafka and a schema registry, on this machine."""
