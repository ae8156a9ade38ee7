"""One machine's stand-ins for Kafka and ClickHouse, and the process runner."""
