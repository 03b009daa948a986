"""Small tools that convert files between repositories; steps run them."""
