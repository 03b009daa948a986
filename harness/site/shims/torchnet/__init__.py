"""A stand-in for torchnet with the one class that deeplab-pytorch uses."""
