"""The access server, the SIM bank and the carriers as the lab may see and steer them."""
