"""Jobs that go on to a registry by themselves (docs/forwarding.md): what the machine's owner allows, the pace, and the program
that sends them, which is never root."""
