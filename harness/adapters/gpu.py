"""The door to the GPUs of this machine: their UUIDs, by nvidia-smi."""

import shutil
import subprocess


def gpu_uuids() -> list[str]:
    """UUIDs of the GPUs the driver shows; empty where there is no NVIDIA driver."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    query = [tool, "--query-gpu=uuid", "--format=csv,noheader"]
    done = subprocess.run(query, capture_output=True, text=True, check=False, timeout=60)
    return [line.strip() for line in done.stdout.splitlines() if line.startswith("GPU-")]
