"""What a migration will take, estimated before it begins: Kafka, disk of the target, WAL, hours."""
