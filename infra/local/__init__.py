"""The local stack: real Kafka, Postgres and Redis and Segue's own processes on this machine, without containers."""
