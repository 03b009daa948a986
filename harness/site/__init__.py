"""Container-side start-up: `sitecustomize.py` (every step) and stand-in packages under `shims/`."""
