"""Steps as batch jobs of Slurm: their scripts, their submission, the queue."""
