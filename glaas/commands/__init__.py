"""One file a command of `glaas`."""
