"""Stubs of packages that no stack can install; staged only for steps that declare them."""
