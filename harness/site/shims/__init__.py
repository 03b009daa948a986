"""Stand-ins for packages that no stack can install; staged only where a step declares them."""
