"""The machinery behind record.py: journals of applications, sniffers, truth made of journals."""
