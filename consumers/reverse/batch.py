"""A batch of the way back: rows of several target tables in the one order in which the target committed them. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from consumers.reverse.keys import Keys
from consumers.reverse.plan import Back, TableBack
from consumers.reverse.refused import RefusedError
from consumers.reverse.statement import GONE, NEW, NUMBER, PUT

DELETED, WRITTEN = "d", "w"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The rows of one target table in a batch, in commit order.

    Attributes:
        frame: As they were read, with their numbers.
        kinds: What becomes of each row, for each entity of the table; None: nothing.
    """

    table: TableBack
    frame: pl.DataFrame
    kinds: tuple[list[str | None], ...] = ()

    def between(self, first: int, last: int) -> "Rows":
        """The rows with these numbers, both included."""
        chosen = self.frame[NUMBER].is_between(first, last)
        places = chosen.arg_true().to_list()
        kinds = tuple([kinds[place] for place in places] for kinds in self.kinds)
        return Rows(table=self.table, frame=self.frame.filter(chosen), kinds=kinds)

    @property
    def ids(self) -> list[str]:
        """The UUIDs."""
        return self.frame[self.table.id_column].to_list()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Rows that follow one another and go in together: of one table, of one kind, none twice.

    Attributes:
        first, last: Their numbers.
        ids: Their UUIDs.
        lsns: Of their commits.
        unavailable: The target columns that their events do not have.
        kinds: What becomes of them, for each entity of the table.
    """

    table: TableBack
    op: str
    first: int
    last: int
    ids: Sequence[str]
    lsns: Sequence[int]
    unavailable: frozenset[str]
    kinds: tuple[str | None, ...]


def ordered(frames: Mapping[str, pl.DataFrame], tables: Mapping[str, TableBack]) -> list[Rows]:
    """Number the rows of all tables by their place in the history of the target.

    Args:
        frames: By topic, as `decoding.laid_over` returns them.
        tables: By topic.
    """
    parts = [
        frame.select("__lsn", "__ordinal", pl.lit(topic).alias("__topic"))
        for topic, frame in frames.items()
    ]
    if not parts:
        return []
    numbered = pl.concat(parts).sort("__lsn", "__ordinal").with_row_index(NUMBER)
    return [
        Rows(
            table=tables[topic],
            frame=frame.sort("__lsn", "__ordinal").with_columns(
                numbered.filter(pl.col("__topic") == topic)[NUMBER].cast(pl.Int64)
            ),
        )
        for topic, frame in frames.items()
    ]


def judged(rows: Rows, keys: Keys) -> tuple[Rows, tuple[list[int], ...]]:
    """Say what becomes of each row: put where its key is known, new where it is of an entity that takes such rows.

    Returns:
        The rows, and for each entity the places of the rows that are born; their keys are to be learnt.

    Raises:
        RefusedError: A row is born that is to be no row of any entity.
    """
    entities = rows.table.entities
    known = [{id_ for id_ in rows.ids if keys.get(back.name, id_) is not None} for back in entities]
    owners = [number for number, back in enumerate(entities) if not back.entity.joined]
    has_values = [_has_values(rows, number) for number in range(len(entities))]
    kinds: tuple[list[str | None], ...] = tuple([] for _ in entities)
    born: tuple[list[int], ...] = tuple([] for _ in entities)
    for place, (id_, op) in enumerate(zip(rows.ids, rows.frame["__op"], strict=True)):
        is_owned = any(id_ in known[number] for number in owners)
        for number, back in enumerate(entities):
            if id_ in known[number]:
                kinds[number].append(GONE if op == DELETED else PUT)
                continue
            lacks_row = has_values[number][place] if back.entity.joined else not is_owned
            is_born = op != DELETED and lacks_row
            if is_born and not back.takes_new and not _is_others(rows.table, back):
                raise _unwanted(rows, back, place)
            is_new = is_born and back.takes_new
            kinds[number].append(NEW if is_new else None)
            if is_new:
                known[number].add(id_)
                born[number].append(place)
    return Rows(table=rows.table, frame=rows.frame, kinds=kinds), born


def _is_others(table: TableBack, back: Back) -> bool:
    """Whether another entity takes the rows that are born."""
    own = (other for other in table.entities if not other.entity.joined)
    return not back.entity.joined and any(other.takes_new for other in own)


def _unwanted(rows: Rows, back: Back, place: int) -> RefusedError:
    return RefusedError(
        f"the row was born on the target, and {back.name} takes no new rows ([inverse] new_rows)",
        lsn=rows.frame["__lsn"][place],
        number=rows.frame[NUMBER][place],
        legacy=str(back.entity.source),
    )


def _has_values(rows: Rows, number: int) -> list[bool]:
    """Whether a row has anything of what an entity that joins it adds."""
    entity = rows.table.entities[number].entity
    names = [n for n in entity.columns if n != entity.id_column and n in rows.frame.columns]
    if not names:
        return [False] * rows.frame.height
    is_there = pl.any_horizontal(pl.col(name).is_not_null() for name in names)
    return rows.frame.select(is_there.alias("there"))["there"].to_list()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listed:
    """Rows as lists: a look into a frame costs as much as a statement.

    Attributes:
        alike: What rows have in common that go in together: columns that their events lack, and kinds.
    """

    table: TableBack
    numbers: list[int]
    lsns: list[int]
    ops: list[str]
    ids: list[str]
    alike: list[tuple[tuple[str, ...], tuple[str | None, ...]]]

    @classmethod
    def of(cls, rows: Rows) -> "_Listed":
        lacking = (tuple(names or ()) for names in rows.frame["__unavailable"].to_list())
        kinds = zip(*rows.kinds, strict=True)
        return cls(
            table=rows.table,
            numbers=rows.frame[NUMBER].to_list(),
            lsns=rows.frame["__lsn"].to_list(),
            ops=rows.frame["__op"].to_list(),
            ids=rows.ids,
            alike=list(zip(lacking, kinds, strict=True)),
        )

    def step(self, places: list[int]) -> Step:
        """Rows that go in together."""
        lacking, kinds = self.alike[places[0]]
        return Step(
            table=self.table,
            op=DELETED if self.ops[places[0]] == DELETED else WRITTEN,
            first=self.numbers[places[0]],
            last=self.numbers[places[-1]],
            ids=[self.ids[place] for place in places],
            lsns=[self.lsns[place] for place in places],
            unavailable=frozenset(lacking),
            kinds=kinds,
        )


def steps(batch: Sequence[Rows]) -> Iterator[Step]:
    """The rows of a batch in commit order, those that follow one another and are alike together."""
    listed = [_Listed.of(rows) for rows in batch]
    order = sorted(
        (number, index, place)
        for index, rows in enumerate(listed)
        for place, number in enumerate(rows.numbers)
    )
    places: list[int] = []
    ids: set[str] = set()
    before: object = None
    last: _Listed | None = None
    for _, index, place in order:
        rows = listed[index]
        like = index, rows.alike[place]
        if last is not None and (like != before or rows.ids[place] in ids):
            yield last.step(places)
            places, ids = [], set()
        last, before = rows, like
        places.append(place)
        ids.add(rows.ids[place])
    if last is not None:
        yield last.step(places)
