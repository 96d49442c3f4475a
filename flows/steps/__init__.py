"""What the tasks and the commands call. Nothing here imports Prefect."""
