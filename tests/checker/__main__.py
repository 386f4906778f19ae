"""python -m tests.checker --source DSN --target DSN --namespace UUID [--output json].

Exit code 0: equal; 8: something is wrong; 4: a server could not be read.
"""

import argparse
import json
import sys

import psycopg
from confluent_kafka import KafkaException

from tests.checker.check import check
from tests.checker.report import Report
from tests.checker.topics import Endpoints, check_topics

LISTED = 40  # Problems that a person is shown.


def main() -> int:
    """Run from the command line.

    Returns:
        The exit code.
    """
    options = _options()
    try:
        report = check(options.source, options.target, options.namespace, values=options.values)
        if options.bootstrap:
            endpoints = Endpoints(bootstrap=options.bootstrap, registry=options.registry)
            report.problems += check_topics(options.source, endpoints, options.pipeline)
    except (psycopg.Error, KafkaException, OSError) as error:
        sys.stderr.write(f"cannot read: {str(error).partition(chr(10))[0]}\n")
        return 4
    if options.output == "json":
        sys.stdout.write(json.dumps(report.document()) + "\n")
    else:
        sys.stdout.write(_table(report))
    return 0 if report.clean else 8


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.checker", description=__doc__)
    parser.add_argument("--source", required=True, metavar="DSN")
    parser.add_argument("--target", required=True, metavar="DSN")
    parser.add_argument("--namespace", required=True, metavar="UUID")
    parser.add_argument("--output", choices=("table", "json"), default="table")
    parser.add_argument("--values", action="store_true", help="show the values that differ")
    parser.add_argument("--bootstrap", help="Kafka: compare the topics with the source, too")
    parser.add_argument("--registry", help="URL of the registry's Confluent API", default="")
    parser.add_argument("--pipeline", help="prefix of the topics", default="clinic")
    return parser.parse_args()


def _table(report: Report) -> str:
    columns = (
        "rows_source",
        "rows_target",
        "missing",
        "extra",
        "different",
        "parked",
        "dead_letters",
        "excluded",
        "merged",
    )
    lines = [f"{'entity':<22}" + "".join(f"{column:>13}" for column in columns)]
    for name, counts in report.entities.items():
        lines.append(
            f"{name:<22}" + "".join(f"{getattr(counts, column):>13,}" for column in columns)
        )
    lines += [str(problem) for problem in report.problems[:LISTED]]
    lines.append(f"{report.unaccounted} rows unaccounted for, {len(report.problems)} problems")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
