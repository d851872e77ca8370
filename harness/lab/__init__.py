"""What is where: lab.toml, discovery, inventory, leases."""
