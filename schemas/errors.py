"""Every error that understudy raises, in one tree.

    UnderstudyError
    ├── UsageError            2   the command line
    │   └── NotFoundError         what it names is not there
    ├── ConfigError           3   understudy.toml, entity files, environment
    │   ├── RulesChangedError     entity files are others than those that the worker began with
    │   └── FolderChangedError    the capture is to begin again with the folder as it is now
    ├── SourceError           4   the legacy database
    │   ├── SourceLostError       the connection is gone; capture connects again
    │   ├── SourceUnfitError      it answers, and we do not begin with it as it is
    │   ├── SlotLostError         the slot no longer holds what was not yet captured
    │   └── StartRefusedError     the start rules found positions and slot at odds
    ├── BrokerError           5   Kafka
    │   ├── BrokerUnfitError      it answers, and we do not begin with it as it is
    │   ├── BrokerLostError       the client is done for; capture makes a new one
    │   └── RegistryError         the schema registry
    ├── TargetError           6   the new database
    │   ├── TargetLostError       the connection is gone; the way back begins again
    │   ├── TargetUnfitError      it answers, and we do not begin with it as it is
    │   └── OwnershipLostError    another worker owns the partition now
    ├── NotReadyError         7   a gate is not met
    ├── MismatchError         8   source and target differ
    ├── ConflictError         9   a lock, a port, or another operator
    ├── StackError           10   the embedded stack
    ├── RecordError          11   one record cannot be applied
    └── InvariantError        1   our own bug

The number is the exit code. A class says what happened (first line of its docstring), an instance says where
(keyword context: slot, lsn, topic, partition, offset, table, file, key; never a row value).
"""

from enum import Enum
from typing import ClassVar

# What Kafka or its client says of a trouble that passes by itself, by the names of librdkafka's error codes.
PASSING_KAFKA_ERRORS = frozenset(
    {
        "_ALL_BROKERS_DOWN",
        "_MAX_POLL_EXCEEDED",  # The partitions are lost, and come back.
        "_RESOLVE",
        "_TIMED_OUT",
        "_TRANSPORT",
        # A topic that was created a moment ago, or moves between brokers.
        "COORDINATOR_LOAD_IN_PROGRESS",
        "COORDINATOR_NOT_AVAILABLE",
        "FENCED_LEADER_EPOCH",
        "LEADER_NOT_AVAILABLE",
        "LISTENER_NOT_FOUND",
        "NETWORK_EXCEPTION",
        "NOT_CONTROLLER",
        "NOT_COORDINATOR",
        "NOT_LEADER_FOR_PARTITION",
        "OFFSET_NOT_AVAILABLE",
        "REPLICA_NOT_AVAILABLE",
        "REQUEST_TIMED_OUT",
        "UNKNOWN_LEADER_EPOCH",
        "UNKNOWN_TOPIC_ID",
        "UNKNOWN_TOPIC_OR_PART",
    }
)


class Disposition(Enum):
    """What the one who catches an error does with it."""

    RETRY = "retry"
    HALT = "halt"
    DEAD_LETTER = "dead-letter"


class UnderstudyError(Exception):
    """Something went wrong."""

    disposition: ClassVar[Disposition] = Disposition.HALT
    exit_code: ClassVar[int] = 1
    remedy: ClassVar[str | None] = None

    def __init__(
        self, detail: str = "", /, *, remedy: str | None = None, **context: object
    ) -> None:
        """Keep the detail and the context apart, so that the error survives pickling.

        Args:
            detail: What happened here, in one line.
            remedy: What the operator can do; default: the remedy of the class.
            context: Where it happened, by keyword.
        """
        super().__init__(detail)
        self.detail = detail
        self.context = context
        self.advice = remedy or type(self).remedy

    def __str__(self) -> str:
        """First line of the class docstring, detail, sorted context, on one line."""
        summary = (type(self).__doc__ or type(self).__name__).splitlines()[0].rstrip(".")
        return ": ".join(part for part in (summary, self.particulars) if part)

    @property
    def particulars(self) -> str:
        """Detail and sorted context, on one line."""
        place = " ".join(f"{key}={value}" for key, value in sorted(self.context.items()))
        return " ".join(f"{self.detail} {place}".split())


class UsageError(UnderstudyError):
    """The command was not given right."""

    exit_code = 2
    remedy = "See understudy --help."


class NotFoundError(UsageError):
    """There is no such row."""


class ConfigError(UnderstudyError):
    """The configuration is not valid."""

    exit_code = 3
    remedy = "Correct the named file and run understudy check."


class RulesChangedError(ConfigError):
    """The rules were changed; this worker starts again with them."""

    disposition = Disposition.RETRY


class FolderChangedError(ConfigError):
    """The migration folder was changed; this capture starts again with it."""

    disposition = Disposition.RETRY


class SourceError(UnderstudyError):
    """The source database refused or failed."""

    exit_code = 4


class SourceLostError(SourceError):
    """The connection to the source is lost."""

    disposition = Disposition.RETRY


class SourceUnfitError(SourceError):
    """The source database is not as it has to be."""


class SlotLostError(SourceError):
    """The replication slot no longer holds the changes that were not yet captured."""

    remedy = "Drop the pipeline and run it again, so that a new snapshot is taken."


class StartRefusedError(SourceError):
    """The recorded position and the replication slot do not fit together."""


class BrokerError(UnderstudyError):
    """Kafka refused or failed."""

    exit_code = 5


class BrokerLostError(BrokerError):
    """The connection to Kafka is lost."""

    disposition = Disposition.RETRY


class BrokerUnfitError(BrokerError):
    """Kafka is not as it has to be."""


class RegistryError(BrokerError):
    """The schema registry refused or failed."""


class TargetError(UnderstudyError):
    """The target database refused or failed."""

    exit_code = 6


class TargetLostError(TargetError):
    """The connection to the target is lost."""

    disposition = Disposition.RETRY


class TargetUnfitError(TargetError):
    """The target database is not as it has to be."""


class OwnershipLostError(TargetError):
    """Another worker owns the partition now."""

    disposition = Disposition.RETRY


class NotReadyError(UnderstudyError):
    """A gate is not met."""

    exit_code = 7


class MismatchError(UnderstudyError):
    """Source and target differ."""

    exit_code = 8


class ConflictError(UnderstudyError):
    """Something else holds what this needs."""

    exit_code = 9


class StackError(UnderstudyError):
    """The embedded stack could not do it."""

    exit_code = 10


class RecordError(UnderstudyError):
    """A record cannot be applied."""

    disposition = Disposition.DEAD_LETTER
    exit_code = 11


class InvariantError(UnderstudyError):
    """Something that must hold does not: a bug in understudy."""

    remedy = "Please report this with the log; nothing was written after it."
