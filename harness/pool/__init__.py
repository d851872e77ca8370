"""The SIM pool: state of each SIM, usage by line and hour, month-end landing, replay."""
