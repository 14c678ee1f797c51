"""The comparison's parts: `jobs` to run, how to `measure` them, `slices` of files, `results`."""
