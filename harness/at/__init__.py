"""AT commands: framing and dialogue without I/O, one module a command family, sessions."""
