"""Tests of the checks, a file for each family."""
