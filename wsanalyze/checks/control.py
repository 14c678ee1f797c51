"""Control frames (CTL): their form, Pings and their Pongs."""

from __future__ import annotations
