"""The virtual bench: routers, carriers, access server and SIM bank; see README.md here."""
