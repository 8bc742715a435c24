"""The registry as a server: one HTTP port for pages, JSON and the protobuf services, and gRPC beside it."""
