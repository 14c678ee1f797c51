"""All connections together (XCN): who opens how many, comes back how, is answered how."""

from __future__ import annotations
