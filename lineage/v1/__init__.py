"""Generated from proto/ by scripts/protoc."""
