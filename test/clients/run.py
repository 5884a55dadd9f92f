"""Runs the cases of the modules that the arguments name; each runs its cases as it is imported."""

import importlib
import sys
import os

sys.path.insert(0, os.path.dirname(__file__))
for module in sys.argv[1:]:
    importlib.import_module(f"test_{module}")
