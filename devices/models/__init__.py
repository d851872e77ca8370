"""One TOML file a router model: USB ids, port roles, quirks with evidence."""
