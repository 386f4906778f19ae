-- For docker-compose.yml: the registry keeps its schemas beside the new clinic, for without them no topic can be read.
CREATE DATABASE registry;
