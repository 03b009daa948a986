"""Start-up code of steps: `sitecustomize.py`, import hooks (`hooks/`), stub packages (`shims/`)."""
