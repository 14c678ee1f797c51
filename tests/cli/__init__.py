"""Tests, as a package so that two rooms may have files of one name."""
