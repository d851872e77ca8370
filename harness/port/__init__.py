"""Bytes: serial ports, one reader thread a port, transcripts."""
