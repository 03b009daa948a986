"""harness beside Snakemake and cwltool, in one run on one machine."""
