"""Builds generators by Cython, with its events for profilers."""

from Cython.Build import cythonize
from setuptools import setup

setup(ext_modules=cythonize("generators.pyx", language_level=3))
