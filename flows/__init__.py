"""The Prefect flows and tasks, thin over the rooms below, and the command line."""
