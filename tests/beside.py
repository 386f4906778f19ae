"""What goes on beside a test, until its block ends: writers, and applications that are refused at some moment."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import psycopg

PAUSE_S = 0.01

T = TypeVar("T")
Connection = psycopg.Connection[Any]


@contextmanager
def beside(*runs: Callable[[threading.Event], object]) -> Iterator[list[Future[object]]]:
    """Run functions in threads; they are told to end with the block. What they raise is for the caller to see."""
    stop = threading.Event()
    with ThreadPoolExecutor() as pool:
        ran: list[Future[object]] = [pool.submit(run, stop) for run in runs]
        try:
            yield ran
        finally:
            stop.set()


@contextmanager
def repeating(act: Callable[[int], object], pause_s: float = PAUSE_S) -> Iterator[None]:
    """Do something again and again, each time with the next number from 1; what it raises is raised at the end."""

    def run(stop: threading.Event) -> None:
        number = 0
        while not stop.wait(pause_s):
            number += 1
            act(number)

    with beside(run) as ran:
        yield
    for ended in ran:
        ended.result()


@dataclass(frozen=True, slots=True, kw_only=True)
class Writes(Generic[T]):
    """What an application has written by its own account.

    Attributes:
        accepted: What it calls each of its transactions that were committed.
        refusals: The SQLSTATE of each of those that were not.
    """

    accepted: list[T] = field(default_factory=list)
    refusals: list[str | None] = field(default_factory=list)


@contextmanager
def application(dsn: str, write: Callable[[Connection, int], T]) -> Iterator[Writes[T]]:
    """An application that goes on writing, a connection and a transaction each, whether it is refused or not."""
    writes: Writes[T] = Writes()

    def act(number: int) -> None:
        try:
            with psycopg.connect(dsn) as connection:
                written = write(connection, number)
        except psycopg.Error as error:
            writes.refusals.append(error.sqlstate)
        else:
            writes.accepted.append(written)

    with repeating(act):
        yield writes
