"""The paper's tables beside our runs, as values and in five formats."""
