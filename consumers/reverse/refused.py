"""What the legacy side does not take."""


class RefusedError(Exception):
    """The legacy side does not take a row; it has no place in the tree, for it is always made into a SourceError.

    Attributes:
        number: Of the row in its batch; None: some row from that commit on.
        lsn: Of its commit.
        row: Target table and UUID, once somebody has looked.
    """

    def __init__(
        self, why: str, *, lsn: int, number: int | None = None, legacy: str = "", remedy: str = ""
    ) -> None:
        """Keep what is known.

        Args:
            why: One line without values.
            lsn: Of the commit.
            number: Of the row.
            legacy: The legacy table.
            remedy: Where there is a better one than to mend the row.
        """
        super().__init__(why)
        self.why = why
        self.lsn = lsn
        self.number = number
        self.legacy = legacy
        self.remedy = remedy
        self.row = ""
