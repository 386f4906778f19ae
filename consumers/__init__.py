"""Apply: from Kafka topics into a PostgreSQL database."""
