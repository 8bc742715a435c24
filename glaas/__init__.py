"""glaas: the registry of lineage. It stores how artifacts were made, never the artifacts."""
