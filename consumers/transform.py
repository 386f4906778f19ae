"""The column rules that are computed in columns, before staging: UUIDs, references, values, JSON and Python rules."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from consumers import images
from consumers.identity import Identity, is_padded, legacy_keys, normal_form, unpadded
from consumers.plan import Derived, EntityPlan
from schemas.errors import ConfigError, InvariantError, RecordError
from schemas.rules import Join, Json, Python, Ref, Values
from schemas.table import Column

PythonRule = Callable[[list[str | None]], list[str | None]]


class Transform:
    """The rules of one entity over whole columns."""

    def __init__(self, plan: EntityPlan, identities: Mapping[str, Identity], folder: Path) -> None:
        """Load the functions of Python rules.

        Args:
            plan: The compiled entity.
            identities: Of this entity and of those that it refers to.
            folder: The migration folder, where Python rules live.

        Raises:
            ConfigError: There is no such function.
        """
        self._plan = plan
        self._identities = identities
        self._functions = {
            d.column: _function(plan.name, d.rule, folder)
            for d in plan.derived
            if isinstance(d.rule, Python)
        }

    def keys(self, frame: pl.DataFrame) -> pl.Series:
        """The legacy key of each row."""
        return legacy_keys(
            [normal_form(frame[column.name], column.base) for column in self._plan.key]
        ).alias("__key")

    def moved_to(self, keys: pl.Series) -> pl.Series:
        """The legacy keys that rows have now, from the texts of their columns; NULL where the key did not change."""
        if keys.null_count() == len(keys):
            return pl.Series("__moved_to", [None] * len(keys), dtype=pl.String)
        parts = (
            normal_form(keys.list.get(place), column.base)
            for place, column in enumerate(self._plan.key)
        )
        return legacy_keys(list(parts)).alias("__moved_to")

    def ids(self, rows: pl.DataFrame) -> pl.Series:
        """The UUID of each row: its own, or that of the row that it joins; its own again where it joins none."""
        ids = self._identities[self._plan.name].column(rows["__key"])
        rule = self._plan.entity.rule(self._plan.entity.id_column)
        if isinstance(rule, Join):
            joined = self._references_of(rule, rows)
            ids = joined.zip_with(joined.is_not_null(), ids)
        return ids.alias("__id")

    def references(self, entity: str, keys: pl.Series) -> pl.Series:
        """UUIDs of rows of another entity."""
        return self._identities[entity].column(keys)

    def derive(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Add the derived columns, and `__fault`: the target column whose rule refuses the row, or NULL."""
        columns = [self._column(derived, frame) for derived in self._plan.derived]
        return frame.with_columns(*columns).with_columns(self._faults(frame))

    def _column(self, derived: Derived, frame: pl.DataFrame) -> pl.Series:
        match derived.rule:
            case Ref(source=None):
                values = pl.Series([None] * frame.height, dtype=pl.String)
            case Ref() as rule:
                values = self._references_of(rule, frame)
            case Values() as rule:
                values = _translated(self._codes(rule, frame), self._known(rule), rule)
            case Json() as rule:
                values = images.encode(frame, [self._legacy(name) for name in rule.json_columns])
            case Python() as rule:
                values = self._python(derived.column, rule, frame)
            case _:
                raise InvariantError("a rule is not one of columns", column=derived.column)
        return values.alias(derived.name)

    def _references_of(self, rule: Ref, frame: pl.DataFrame) -> pl.Series:
        parts = [self._normal(name, frame) for name in rule.columns]
        return self._identities[rule.ref].column(legacy_keys(parts))

    def _legacy(self, name: str) -> Column:
        return next(column for column in self._plan.legacy.columns if column.name == name)

    def _normal(self, name: str, frame: pl.DataFrame) -> pl.Series:
        return normal_form(frame[name], self._legacy(name).base)

    def _texts(self, name: str, frame: pl.DataFrame) -> pl.Series:
        return frame.select(images.texts(name, frame.schema[name]).cast(pl.String)).to_series()

    def _codes(self, rule: Values, frame: pl.DataFrame) -> pl.Series:
        return unpadded(self._texts(rule.source, frame), self._legacy(rule.source).base)

    def _known(self, rule: Values) -> dict[str, str]:
        return rule.spelled(padded=is_padded(self._legacy(rule.source).base))

    def _python(self, column: str, rule: Python, frame: pl.DataFrame) -> pl.Series:
        """What a function makes of the rows that are not deleted; of those there is no more than the key."""
        values = self._texts(rule.source, frame)
        there = (frame["__op"] != "d").arg_true()
        results = self._called(column, values.gather(there).to_list())
        nothing = pl.Series([None] * frame.height, dtype=pl.String)
        return nothing.scatter(there, results)

    def _called(self, column: str, values: list[str | None]) -> pl.Series:
        place = {"entity": self._plan.name, "column": column}
        try:
            results = pl.Series(self._functions[column](values), dtype=pl.String)
        except Exception as error:
            kind = type(error).__name__
            raise RecordError(f"the Python rule failed with {kind}", **place) from error
        if len(results) != len(values):
            raise RecordError("the Python rule returned more or fewer values than it got", **place)
        return results

    def _faults(self, frame: pl.DataFrame) -> pl.Series:
        faults = pl.Series("__fault", [None] * frame.height, dtype=pl.String)
        for derived in self._plan.derived:
            if isinstance(derived.rule, Values) and derived.rule.otherwise == "dead-letter":
                codes = self._codes(derived.rule, frame)
                unknown = codes.is_not_null() & ~codes.is_in(list(self._known(derived.rule)))
                faults = faults.zip_with(~unknown, pl.Series([derived.column] * frame.height))
        return faults.alias("__fault")


def _translated(codes: pl.Series, known: Mapping[str, str], rule: Values) -> pl.Series:
    if rule.otherwise == "keep":
        return codes.replace(known)
    return codes.replace_strict(known, default=None, return_dtype=pl.String)


def _function(entity: str, rule: Python, folder: Path) -> PythonRule:
    """Load `module:name` from the migration folder."""
    module, _, name = rule.python.partition(":")
    place = {"file": f"{entity}.toml", "python": rule.python}
    names = _executed(folder / f"{module}.py", place)
    function: PythonRule | None = names.get(name)
    if not callable(function):
        raise ConfigError("the function of a Python rule does not exist", **place)
    return function


def _executed(file: Path, place: dict[str, str]) -> dict[str, Any]:
    """The names that a module defines."""
    names: dict[str, Any] = {"__name__": f"understudy_rules_{file.stem}", "__file__": str(file)}
    try:
        exec(compile(file.read_bytes(), file, "exec"), names)  # noqa: S102 - the operator's own rules
    except FileNotFoundError as error:
        message = "the module of a Python rule does not exist"
        raise ConfigError(message, **place, looked_for=file.absolute()) from error
    except Exception as error:
        kind = type(error).__name__
        message = f"the module of a Python rule cannot be imported: {kind}"
        raise ConfigError(message, **place) from error
    return names
