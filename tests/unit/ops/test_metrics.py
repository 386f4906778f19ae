"""Metrics, alerts, dashboard, runbook and pages name the same things."""

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from consumers.durations import BOUNDS_S, Durations
from ops.metrics import dashboard, definitions, samples
from ops.metrics.definitions import METRICS, OF_STATUS
from ops.watch.movement import Movement, Pace
from ops.watch.source import SourceStatus
from ops.watch.status import Status
from tests.statuses import SLOT, orders

OPS = Path(__file__).parents[3] / "ops"
ALERTS = OPS / "metrics" / "alerts.yml"
TOPIC = "shop.public.orders"
WARN = Pace(movement=Movement.WARN, per_s=5.0, eta_s=None)
ORDERS = orders(
    parked={"parent": 3},
    dead_letters={"23514 positive": 2},
    captured=100,
    applied=90,
    lag_records=20,
    remaining_records=20,
    lag_ms=1_500,
    apply_lag_ms=1_200,
    lag_by_partition={(TOPIC, 0): 5, (TOPIC, 1): 15},
    pace=WARN,
)
SMALL = replace(SLOT, confirmed_lsn=100, safe_wal_bytes=1000, retained_bytes=300)
SHOP = Status(
    pipeline="shop",
    folder=Path("shop"),
    source=SourceStatus(now_ms=0, wal_lsn=200, slot=SMALL, sent_lsn=150),
    captured_lsn=100,
    workers=2,
    entities=(ORDERS,),
    problems=(),
    marker_ms=0,
    capture_lag_ms=300,
    stored=110,
    capture_pace=Pace(movement=Movement.OK, per_s=5.0, eta_s=0.0),
    apply_pace=Pace(movement=Movement.OK, per_s=5.0, eta_s=4.0),
)


def told(status: Status) -> dict[tuple[str, ...], float]:
    found = list(samples.of_status(status, "1.0"))
    assert len({one[:2] for one in found}) == len(found)
    return {(one.metric.name, *one.labels): float(one.value) for one in found}


def names_in(text: str) -> set[str]:
    return set(re.findall(r"\bunderstudy_\w+", text))


def test_a_status_is_told_in_base_units() -> None:
    seen = told(SHOP)
    assert seen["replication_lag_seconds", "capture", ""] == 0.3
    assert seen["replication_lag_seconds", "apply", "orders"] == 1.2
    assert seen["replication_lag_seconds", "total", "orders"] == 1.5
    assert seen["consumer_lag_records", "orders", TOPIC, "1"] == 15
    assert (seen["applied_records_total", "orders"], seen["kafka_records_total", "orders"]) == (
        90,
        110,
    )
    assert (seen["source_received_lag_bytes",], seen["source_flushed_lag_bytes",]) == (50, 100)
    assert (seen["eta_seconds",], seen["workers",]) == (4, 2)
    assert (
        seen["dead_letters", "orders", "23514 positive"],
        seen["parked", "orders", "parent"],
    ) == (2, 3)


def test_health_and_state_are_1_for_what_is_so_and_0_for_all_else() -> None:
    seen = told(SHOP)
    health = {key[1:]: value for key, value in seen.items() if key[0] == "health"}
    assert [key for key, value in health.items() if value] == [
        ("capture", "", "ok"),
        ("apply", "orders", "warn"),
    ]
    assert len(health) == 8
    assert sum(value for key, value in seen.items() if key[0] == "entity_state") == 1


def test_what_is_not_known_is_left_out_and_a_server_that_is_down_is_told() -> None:
    silent = replace(
        ORDERS, lag_ms=None, apply_lag_ms=None, lag_records=None, remaining_records=None, pace=None
    )
    seen = told(
        replace(
            SHOP, source=None, workers=None, capture_lag_ms=None, capture_pace=None, apply_pace=None,
            unanswered=frozenset({"source", "kafka"}), entities=(silent,),
        )
    )  # fmt: skip
    assert {key[0] for key in seen} == {
        "build_info", "up", "applied_records_total", "snapshot_rows_copied", "dead_letters", "parked",
        "entity_state", "consumer_lag_records",
    }  # fmt: skip
    assert [seen["up", server] for server in samples.SERVERS] == [0, 0, 1]


def test_after_the_switch_no_slot_is_missed() -> None:
    over = replace(SHOP, entities=(replace(ORDERS, state="switched", lag_ms=None, pace=None),))
    names = {key[0] for key in told(over)}
    assert "source_slot_active" not in names
    assert ("replication_lag_seconds", "capture", "") not in told(over)


def test_every_metric_of_the_exporter_is_told_of_a_pipeline_that_runs() -> None:
    assert {sample.metric for sample in samples.of_status(SHOP, "1.0")} == set(OF_STATUS)


def test_a_sample_has_a_value_for_each_label() -> None:
    for sample in samples.of_status(SHOP, "1.0"):
        assert len(sample.labels) == len(sample.metric.labels), sample


def test_names_end_in_their_unit_and_counters_in_total() -> None:
    for metric in METRICS:
        assert (metric.kind == "counter") == metric.name.endswith("_total"), metric.name
    assert len({metric.name for metric in METRICS}) == len(METRICS)


def test_a_histogram_counts_each_batch_under_the_first_bound_that_it_does_not_exceed() -> None:
    durations = Durations()
    for seconds in (BOUNDS_S[0], 0.02, 1e6):
        durations.add(seconds)
    cumulative = dict(durations.cumulative())
    assert [cumulative[bound] for bound in ("0.005", "0.01", "0.025", "30.0", "+Inf")] == [
        1,
        1,
        2,
        2,
        3,
    ]


def test_alerts_and_dashboard_ask_only_for_metrics_that_exist() -> None:
    exist = set(definitions.series())
    assert names_in(ALERTS.read_text()) <= exist
    assert names_in(dashboard.text()) <= exist
    asked = names_in(ALERTS.read_text()) | names_in(dashboard.text())
    assert len(asked) > len(METRICS) / 2


def test_the_dashboard_in_the_repository_is_the_one_that_the_script_makes() -> None:
    assert dashboard.FILE.read_text() == dashboard.text(), "run python -m ops.metrics.dashboard"


def test_the_runbook_has_an_entry_for_each_alert_and_no_other() -> None:
    alerts = re.findall(r"- alert: (\w+)", ALERTS.read_text())
    entries = re.findall(
        r"^## (Understudy\w+)", (OPS / "docs" / "runbook.md").read_text(), re.MULTILINE
    )
    assert alerts == entries


def test_the_page_of_the_metrics_names_all_of_them_with_their_labels() -> None:
    page = (OPS / "docs" / "metrics.md").read_text()
    for metric in METRICS:
        labels = "".join(f", `{label}`" for label in metric.labels).removeprefix(", ")
        assert f"| `{metric.full_name}` | {metric.kind} | {labels} | {metric.help} |" in page


def test_each_alert_fires_when_it_should_and_not_before() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed: it comes with Debian's package prometheus")
    tests = ALERTS.with_name("alerts_test.yml")
    ended = subprocess.run(
        [promtool, "test", "rules", tests.name],
        cwd=tests.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    alerts = set(re.findall(r"- alert: (\w+)", ALERTS.read_text()))
    text = tests.read_text()
    assert set(re.findall(r"alertname: (\w+)\n +exp_alerts", text)) == alerts
