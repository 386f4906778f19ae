"""docker-compose.yml, the image and the files they use name the same things."""

import json
import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import typer.core
import typer.main
import yaml

from ops.cli import stack as stack_command
from ops.cli.main import app
from ops.serve.access import Place
from schemas.errors import StackError
from schemas.pipeline import Pipeline, with_environment

ROOT = Path(__file__).parents[3]
COMPOSE = ROOT / "docker-compose.yml"
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE.read_text())["services"]
OURS = {name: one for name, one in SERVICES.items() if "build" in one}
PINNED = re.compile(r"^(\$\{IMAGE_PREFIX:-\})?[a-z/-]+:v?\d+\.\d+(\.\d+)?$")
CLINIC = tomllib.loads((ROOT / "examples/clinic/understudy.toml").read_text())
REQUIREMENTS = ROOT / "ops" / "requirements"


def pins(name: str) -> dict[str, list[str]]:
    """Version and hashes of each package, on whatever platform it is installed."""
    found = re.findall(
        r"^([\w.-]+)==(\S+)(.*?)^(?=\S)",
        f"{(REQUIREMENTS / name).read_text()}end",
        re.MULTILINE | re.DOTALL,
    )
    return {
        package: [version, *re.findall(r"sha256:\w+", rest)] for package, version, rest in found
    }


def mounts() -> Iterator[Path]:
    for service in SERVICES.values():
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            if source.startswith("."):
                yield ROOT / source


def test_every_image_has_a_version() -> None:
    assert all(PINNED.match(service["image"]) for service in SERVICES.values())


def test_only_this_machine_reaches_a_port() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", ())]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_who_is_waited_for_tells_when_it_is_ready() -> None:
    for service in SERVICES.values():
        for name, how in service.get("depends_on", {}).items():
            waited_for = SERVICES[name]
            disabled = waited_for.get("healthcheck", {}).get("disable", False)
            if how["condition"] == "service_healthy":
                assert not disabled
                assert "healthcheck" in waited_for or "build" in waited_for
            else:
                assert how["condition"] == "service_completed_successfully"
                assert waited_for["restart"] == "no"


def test_our_containers_may_do_as_little_as_possible() -> None:
    assert len(OURS) >= 8
    for service in OURS.values():
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]


def test_our_commands_and_settings_are_those_of_the_program() -> None:
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    for service in OURS.values():
        settings = {k: v for k, v in service["environment"].items() if k.startswith("UNDERSTUDY_")}
        Pipeline.model_validate(with_environment(dict(CLINIC), settings))
        if "entrypoint" not in service:
            name, *words = service["command"]
            group.commands[name].make_context(name, list(words))


def test_the_page_keeps_its_own_rule() -> None:
    words = dict(word.split("=") for word in SERVICES["page"]["command"] if "=" in word)
    place = Place(
        host=words["--address"],
        names=(words["--name"],),
        certificate=Path(words["--tls-cert"]),
        key=Path(words["--tls-key"]),
    )
    assert not place.is_local
    place.require_safe(Path(words["--token-file"]))
    assert SERVICES["page"]["environment"]["HEALTH_URL"].removesuffix("/") in place.origins(8787)


def test_every_file_that_is_mounted_exists() -> None:
    files = list(mounts())
    assert len(files) > 5
    assert all(file.exists() for file in files)


def test_the_page_of_the_deployment_names_every_service() -> None:
    page = (ROOT / "ops/docs/deployment.md").read_text()
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", page, re.MULTILINE)
    assert set(re.findall(r"\w+", " ".join(rows))) == SERVICES.keys()


def test_grafana_finds_the_dashboard_and_its_data() -> None:
    assert json.loads((ROOT / "ops/metrics/dashboard.json").read_text())["uid"] == "understudy"
    sources = yaml.safe_load((ROOT / "ops/metrics/grafana/datasources.yml").read_text())[
        "datasources"
    ]
    assert [source["type"] for source in sources if source["isDefault"]] == ["prometheus"]


def test_the_image_has_the_versions_that_are_tested_and_no_server() -> None:
    image, run = pins("image.txt"), pins("run.txt")
    assert len(image) > 20
    assert image.items() <= run.items() <= pins("dev.txt").items()
    left_out = run.keys() - image.keys()
    assert {name.replace("_", "-") for name in stack_command.SERVERS} <= left_out


def test_without_the_servers_the_stack_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        stack_command, "find_spec", lambda name: None if name == "jgo" else find_spec(name)
    )
    with pytest.raises(StackError, match="not installed"):
        stack_command.require_servers()


def test_prometheus_takes_its_configuration() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed: it comes with Debian's package prometheus")
    words = (promtool, "check", "config", ROOT / "ops/metrics/prometheus.yml")
    ended = subprocess.run(words, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_the_compose_tool_takes_the_file() -> None:
    tool = compose_tool()
    ended = subprocess.run(
        [*tool, "--file", COMPOSE, "config", "--format", "json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert not ended.stderr  # It warns of what it does not know.
    assert json.loads(ended.stdout)["services"].keys() == SERVICES.keys()


def compose_tool() -> list[str]:
    for words in ("docker compose", "docker-compose"):
        tool = shlex.split(words)
        if shutil.which(tool[0]):
            ended = subprocess.run([*tool, "version"], capture_output=True, check=False)
            if ended.returncode == 0:
                return tool
    pytest.skip("there is neither docker compose nor docker-compose here")
