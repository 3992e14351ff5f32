"""generator - random C and C++ programs for tests/random; generate() is the way in. What a program looks like is said in program.py."""
from .program import generate

__all__ = ["generate"]
