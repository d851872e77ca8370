"""The journal of a run, its artifacts, its seal, and their verification."""
