"""Apache Kafka as one KRaft node on loopback, from its jars. The figures behind the settings are in docs/decisions."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.local.java import Java
from infra.local.ports import LOOPBACK, is_listening
from infra.local.server import Program, Server
from infra.local.state import StateDir, write_private
from segue.errors import ConfigurationError, KafkaUnavailable
from segue.kafka import check_broker

NODE_ID = 1
CHECKPOINT = "bootstrap.checkpoint"
HEAP = "-Xmx384m"
FAST_START = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
"""C1 and the serial collector: ready in 2 s instead of 6 s; one node on one machine needs no more."""

LOG4J = Path(__file__).with_name("log4j2.properties")


def server_properties(data: Path, port: int, controller_port: int, partitions: int) -> str:
    """The broker's settings as a Java properties file."""
    values = {
        "process.roles": "broker,controller",
        "node.id": NODE_ID,
        "controller.quorum.voters": f"{NODE_ID}@{LOOPBACK}:{controller_port}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://{LOOPBACK}:{port},CONTROLLER://{LOOPBACK}:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "PLAINTEXT",
        "log.dirs": _escaped(data),
        "num.partitions": partitions,
        "auto.create.topics.enable": "false",
        # A restart waits until the old registration expires (9 s by default), but with 1 s the controller fenced its own broker
        # on a machine with five times more to do than cores, and the consumer group lost its coordinator.
        "broker.session.timeout.ms": 6000,
        "broker.heartbeat.interval.ms": 500,
        "controlled.shutdown.enable": "true",
        # A killed worker's partitions move after 3 s instead of 6.
        "group.min.session.timeout.ms": 1000,
        "group.initial.rebalance.delay.ms": 0,
        "offsets.topic.num.partitions": 4,
        "offsets.topic.replication.factor": 1,
        "transaction.state.log.num.partitions": 4,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "share.coordinator.state.topic.num.partitions": 4,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        "default.replication.factor": 1,
        "min.insync.replicas": 1,
        "num.network.threads": 2,
        "num.io.threads": 4,
        "log.segment.bytes": 134_217_728,
        "log.cleaner.dedupe.buffer.size": 33_554_432,
        # The log is what a replay rebuilds the state from: how long offsets and records live is decided for each topic.
        "offsets.retention.minutes": 525_600,
        "message.max.bytes": 4_194_304,
    }
    return "".join(f"{name}={value}\n" for name, value in values.items())


@dataclass(frozen=True)
class KafkaRuntime:
    """What runs Kafka: a Java, the verified jars and, if there is one, the class-data archive for just these."""

    java: Java
    class_path: Sequence[Path]
    archive: Path | None
    checkpoint: Path
    """Kafka's bootstrap metadata as its storage tool writes it, kept after the first time: the tool costs a second or more."""

    def command(self, main: str, *arguments: str, options: Sequence[str] = ()) -> list[str]:
        """`java … main arguments`. A missing or foreign archive only costs time."""
        shared = [f"-XX:SharedArchiveFile={self.archive}", "-Xshare:auto"] if self.archive else []
        paths = os.pathsep.join(map(str, self.class_path))
        return [
            str(self.java.path),
            *FAST_START,
            *shared,
            *options,
            f"-Dlog4j2.configurationFile={LOG4J}",
            "-cp",
            paths,
            main,
            *arguments,
        ]


def format_storage(runtime: KafkaRuntime, data: Path, properties: Path) -> None:
    """Give an empty data directory its cluster id; one that has it is kept. Raises ConfigurationError with Kafka's own words."""
    if (data / "meta.properties").exists():
        return
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    if runtime.checkpoint.exists():
        shutil.copy(runtime.checkpoint, data / CHECKPOINT)
        # Last, because it marks the directory as formatted.
        write_private(data / "meta.properties", meta_properties())
        return
    _format_with_tool(runtime, data, properties)
    fresh = runtime.checkpoint.with_suffix(f".{os.getpid()}")
    shutil.copy(data / CHECKPOINT, fresh)
    fresh.replace(runtime.checkpoint)


def meta_properties() -> str:
    """What marks a data directory as formatted, with new random ids."""
    return f"version=1\nnode.id={NODE_ID}\ncluster.id={kafka_uuid()}\ndirectory.id={kafka_uuid()}\n"


def kafka_uuid() -> str:
    """A random UUID as Kafka writes it: 22 characters of URL-safe base64, never starting with a dash (its tools refuse those)."""
    text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    return kafka_uuid() if text.startswith("-") else text


def _format_with_tool(runtime: KafkaRuntime, data: Path, properties: Path) -> None:
    arguments = ["format", "-t", kafka_uuid(), "-c", str(properties), "--ignore-formatted"]
    done = subprocess.run(runtime.command("kafka.tools.StorageTool", *arguments), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ConfigurationError(f"Kafka's storage in {data} cannot be formatted: {(done.stderr or done.stdout).strip()[-500:]}")


def kafka_server(state: StateDir, runtime: KafkaRuntime, ports: Mapping[str, int], partitions: int) -> Server:
    """Write the broker's settings, format its storage if it is new, and describe how it runs."""
    properties, data = state.run / "server.properties", state.data / "kafka"
    write_private(properties, server_properties(data, ports["kafka"], ports["kafka-controller"], partitions))
    format_storage(runtime, data, properties)
    command = runtime.command("kafka.Kafka", str(properties), options=[HEAP])
    program = Program(name="kafka", command=command, directory=state.run, stop_wait_s=30, priority=10)
    address = f"{LOOPBACK}:{ports['kafka']}"
    return Server(program, "SEGUE_KAFKA_BOOTSTRAP", address, lambda: _check(address, ports["kafka"]))


def _check(address: str, port: int) -> None:
    """Ask only a port that is open: a client that is refused prints every attempt."""
    if not is_listening(port):
        raise KafkaUnavailable(f"nobody listens on {address}")
    check_broker(address)


def _escaped(path: Path) -> str:
    return str(path).replace("\\", "\\\\")
