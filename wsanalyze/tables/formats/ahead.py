"""Work on batches in threads, in order, with few of them in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

# Batches that are made while one is written.
AHEAD = 2
# Batches that are converted at once.
WORKERS = 2


def ahead(items: Iterable[T]) -> Iterator[T]:
    """Yield the items, the next ones being made in a thread meanwhile."""
    coming = iter(items)
    with ThreadPoolExecutor(1) as worker:
        waiting = deque(worker.submit(next, coming, None) for _ in range(AHEAD))
        while (item := waiting.popleft().result()) is not None:
            waiting.append(worker.submit(next, coming, None))
            yield item


def converted(convert: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """Yield what `convert` makes of each item, in order, several being converted at once."""
    waiting: deque[Future[R]] = deque()
    with ThreadPoolExecutor(WORKERS) as workers:
        for item in items:
            waiting.append(workers.submit(convert, item))
            if len(waiting) > WORKERS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
