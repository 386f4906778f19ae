"""The text of understudy.toml. Pure."""

from uuid import UUID

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ops.start.toml_text import string

_TEXT = """\
# A migration proposed by `understudy init`. Without the sections below the embedded stack's servers are used
# (`understudy stack up`). Each key may also be set as UNDERSTUDY_<SECTION>__<KEY>, for instance UNDERSTUDY_SOURCE__DSN.

pipeline  = {pipeline}  # names slot, publication, topics and group; never changes
namespace = {namespace}  # never changes: every UUID is computed from it

[source]
{source}

{target}

# [kafka]
# bootstrap = "host:9092"

# [registry]
# url = "http://host:8080/apis/ccompat/v7"
"""
_NO_TARGET = '# [target]\n# dsn = "postgresql://..."'
_ELSEWHERE = (
    "# Its password is not written here: use ~/.pgpass, PGPASSWORD, or UNDERSTUDY_{}__DSN.\n"
)


def settings(pipeline: str, namespace: UUID, source_dsn: str, target_dsn: str | None) -> str:
    """understudy.toml, without a password."""
    target = f"[target]\n{_dsn('TARGET', target_dsn)}" if target_dsn else _NO_TARGET
    return _TEXT.format(
        pipeline=string(pipeline),
        namespace=string(str(namespace)),
        source=_dsn("SOURCE", source_dsn),
        target=target,
    )


def _dsn(section: str, dsn: str) -> str:
    public = without_password(dsn)
    secret = _ELSEWHERE.format(section) if public != dsn else ""
    return f"{secret}dsn = {string(public)}"


def without_password(dsn: str) -> str:
    """A DSN as it may stand in a file: itself where it holds no password."""
    parts = conninfo_to_dict(dsn)
    kept = {name: part for name, part in parts.items() if "password" not in name}
    return dsn if kept == parts else make_conninfo("", **kept)
