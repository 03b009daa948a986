"""The paper's tables beside our runs: plain values, and one renderer for each format."""
