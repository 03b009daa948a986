"""The package for the PASCAL VOC evaluation server, and what the server answered."""
