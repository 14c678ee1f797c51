"""permessage-deflate (PMD): whether messages inflate, into how much, for what gain."""

from __future__ import annotations
