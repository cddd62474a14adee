"""The benchmarks of recipes/benchmark.py, one file each: `add_options` and `run`."""
