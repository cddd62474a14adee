"""The benchmarks of recipes/benchmark.py, one module each, with the functions `add_options` and `run`."""
