#!/usr/bin/env python3
"""generate.py SEED [--cxx] [--pieces 0,2] [--kinds loops,table] - prints the random program of a seed (generator/program.py)."""
import argparse

from generator import generate

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("seed")
parser.add_argument("--cxx", action="store_true")
parser.add_argument("--pieces")
parser.add_argument("--kinds")
arguments = parser.parse_args()
pieces = {int(number) for number in arguments.pieces.split(",")} if arguments.pieces else None
print(generate(arguments.seed, pieces, arguments.cxx, arguments.kinds.split(",") if arguments.kinds else None), end="")
