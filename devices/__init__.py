"""Router models as data, and the virtual bench."""
