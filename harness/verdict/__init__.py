"""From a limit and a measurement to a judgement, and to the owner of a failure. Pure."""
