"""A stub of torchnet with the one class that deeplab-pytorch uses."""
