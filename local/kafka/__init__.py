"""One broker of Apache Kafka (KRaft) on loopback, from its jars: for tests and benches."""
