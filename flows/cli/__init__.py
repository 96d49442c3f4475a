"""The command `peacekeeping`: one module per command."""
