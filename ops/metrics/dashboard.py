"""Makes the Grafana dashboard, a row of panels for each question: `python -m ops.metrics.dashboard`.

Source: Grafana documentation, "Dashboard JSON model".
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("dashboard.json")
COLUMNS = 24
HEIGHT = 8
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
OF = '{pipeline="$pipeline"'
_BATCHES = f"sum by (le) (rate(understudy_apply_duration_seconds_bucket{OF}}}[5m]))"


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One panel: queries by their legends, and the unit of their values in Grafana's words."""

    title: str
    queries: dict[str, str]
    unit: str = "short"
    kind: str = "timeseries"


QUESTIONS = {
    "Where are we?": (
        Panel(
            title="Entities by state",
            queries={"{{state}}": f"sum by (state) (understudy_entity_state{OF}}})"},
        ),
        Panel(title="Records left", queries={"{{entity}}": f"understudy_remaining_records{OF}}}"}),
        Panel(
            title="All applied in", unit="s", kind="stat",
            queries={"at the pace of now": f"understudy_eta_seconds{OF}}}"},
        ),
    ),
    "How far behind?": (
        Panel(
            title="Lag, source to target", unit="s",
            queries={"{{entity}}": f'understudy_replication_lag_seconds{OF},stage="total"}}'},
        ),
        Panel(
            title="Lag by stage", unit="s",
            queries={
                "source to Kafka": f'understudy_replication_lag_seconds{OF},stage="capture"}}',
                "Kafka to target": f'max(understudy_replication_lag_seconds{OF},stage="apply"}})',
            },
        ),
        Panel(
            title="Records of Kafka that are not applied",
            queries={"{{entity}}": f"sum by (entity) (understudy_consumer_lag_records{OF}}})"},
        ),
        Panel(
            title="WAL of the source", unit="bytes",
            queries={
                "retained by the slot": f"understudy_source_slot_retained_wal_bytes{OF}}}",
                "still safe": f"understudy_source_slot_safe_wal_bytes{OF}}}",
                "not sent": f"understudy_source_received_lag_bytes{OF}}}",
                "not acknowledged": f"understudy_source_flushed_lag_bytes{OF}}}",
            },
        ),
    ),
    "What is wrong?": (
        Panel(
            title="Parts that do not move as they should",
            queries={
                "{{component}} {{entity}} {{status}}": f'understudy_health{OF},status!="ok"}} == 1'
            },
        ),
        Panel(
            title="Dead letters",
            queries={"{{entity}} {{reason}}": f"understudy_dead_letters{OF}}}"},
        ),
        Panel(title="Parked", queries={"{{entity}} {{reason}}": f"understudy_parked{OF}}}"}),
        Panel(
            title="Servers and workers",
            queries={
                "{{server}}": f"understudy_up{OF}}}",
                "capture": f"understudy_source_slot_active{OF}}}",
                "workers": f"understudy_workers{OF}}}",
            },
        ),
    ),
    "How fast?": (
        Panel(
            title="Records per second",
            queries={
                "into Kafka": f"sum(rate(understudy_kafka_records_total{OF}}}[1m]))",
                "applied": f"sum(rate(understudy_applied_records_total{OF}}}[1m]))",
            },
        ),
        Panel(
            title="Applied per second, by entity",
            queries={"{{entity}}": f"rate(understudy_applied_records_total{OF}}}[1m])"},
        ),
        Panel(
            title="Seconds of a batch", unit="s",
            queries={
                "half of them": f"histogram_quantile(0.5, {_BATCHES})",
                "all but one of a hundred": f"histogram_quantile(0.99, {_BATCHES})",
            },
        ),
    ),
}  # fmt: skip


def dashboard() -> dict[str, Any]:
    """The dashboard in Grafana's JSON model."""
    panels: list[dict[str, Any]] = []
    y = 0
    for question, row in QUESTIONS.items():
        panels.append(_row(question, y))
        width = COLUMNS // len(row)
        panels.extend(_panel(panel, n * width, y + 1, width) for n, panel in enumerate(row))
        y += HEIGHT + 1
    return {
        "title": "understudy",
        "uid": "understudy",
        "schemaVersion": 39,
        "refresh": "15s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": [_datasource(), _pipeline()]},
        "panels": [{"id": number, **panel} for number, panel in enumerate(panels, 1)],
    }


def text() -> str:
    """The file."""
    return json.dumps(dashboard(), indent=2) + "\n"


def _row(title: str, y: int) -> dict[str, Any]:
    return {"type": "row", "title": title, "gridPos": {"x": 0, "y": y, "w": COLUMNS, "h": 1}}


def _panel(panel: Panel, x: int, y: int, width: int) -> dict[str, Any]:
    return {
        "type": panel.kind,
        "title": panel.title,
        "datasource": DATASOURCE,
        "gridPos": {"x": x, "y": y, "w": width, "h": HEIGHT},
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [
            {
                "refId": chr(ord("A") + n),
                "datasource": DATASOURCE,
                "expr": expr,
                "legendFormat": legend,
            }
            for n, (legend, expr) in enumerate(panel.queries.items())
        ],
    }


def _datasource() -> dict[str, Any]:
    return {"name": "datasource", "type": "datasource", "query": "prometheus"}


def _pipeline() -> dict[str, Any]:
    query = "label_values(understudy_build_info, pipeline)"
    return {
        "name": "pipeline", "type": "query", "datasource": DATASOURCE, "query": query, "refresh": 2,
    }  # fmt: skip


if __name__ == "__main__":
    FILE.write_text(text())
