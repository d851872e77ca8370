"""The canonical test and its variations, as callables: no pytest here."""
