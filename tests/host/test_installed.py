"""What make install puts on a host: units, pages, completion, and their removal."""

import re
import shutil
import subprocess

import pytest

PREFIX = "usr/local"
UNITS = f"{PREFIX}/lib/systemd/system"
MAN = f"{PREFIX}/share/man"
SCORE_MAX = 2.0


def output(*command, **options):
    return subprocess.run([str(word) for word in command], check=True, text=True, timeout=60,
                          stdin=subprocess.DEVNULL, capture_output=True, **options).stdout


def files_of(root):
    return {str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir()}


# installation

def test_uninstall_takes_back_all_but_settings_that_are_not_ours(build, tmp_path):
    settings = tmp_path / PREFIX / "etc/simpletuner-cloud/cloud.env"
    settings.parent.mkdir(parents=True)
    settings.write_text("SIMPLETUNER_LOG_LEVEL=DEBUG\n")
    output("make", "-C", build, "install", f"DESTDIR={tmp_path}")
    assert len(files_of(tmp_path)) > 30
    output("make", "-C", build, "uninstall", f"DESTDIR={tmp_path}")
    assert files_of(tmp_path) == {str(settings.relative_to(tmp_path))}
    assert settings.read_text() == "SIMPLETUNER_LOG_LEVEL=DEBUG\n"
    shutil.copy(build / "fcgi/host/cloud.env", settings)
    output("make", "-C", build, "uninstall", f"DESTDIR={tmp_path}")
    assert not files_of(tmp_path)


def test_nothing_is_left_to_be_filled_in(installed):
    for path in installed.rglob("*"):
        if path.is_file() and path.suffix not in (".fcgi", ".js") and path.name != "simpletuner-cloud":
            found = re.findall(r"@[A-Za-z_]+@", path.read_text(errors="replace"))
            assert not found, (path, found)


def test_the_settings_file_is_accepted_as_it_is(installed, build):
    path = installed / PREFIX / "etc/simpletuner-cloud/cloud.env"
    assert path.stat().st_mode & 0o777 == 0o640
    commented = [line[1:] for line in path.read_text().splitlines() if re.match(r"#[A-Z_]+=", line)]
    assert len(commented) > 5
    known = output(build / "core/cron/simpletuner-cloud", "--help")
    for line in commented:
        name = line.partition("=")[0]
        assert name in known or name == "REPLICATE_API_TOKEN", line


# units

@pytest.mark.parametrize("service", ["simpletuner-cloud", "simpletuner-cloud-cron"])
def test_a_service_has_the_least_rights(installed, service):
    text = output("systemd-analyze", "security", "--offline=true", "--no-pager",
                  installed / UNITS / f"{service}.service")
    score = float(re.search(r"Overall exposure level for \S+: ([\d.]+)", text)[1])
    assert score < SCORE_MAX, text


def test_units_are_in_order(installed, tmp_path):
    """As systemd reads them; what they start and document is put where they say."""
    for source in (installed / UNITS).iterdir():
        text = source.read_text().replace("Documentation=", "#")
        text = re.sub(r"(?m)^(ExecStart=)/usr/local/", rf"\1{installed}/{PREFIX}/", text)
        (tmp_path / source.name).write_text(text)
    for unit in sorted(tmp_path.iterdir()):
        result = subprocess.run(["systemd-analyze", "verify", "--man=no", str(unit)], text=True,
                                capture_output=True, timeout=60)
        ours = [line for line in (result.stdout + result.stderr).splitlines()
                if "simpletuner" in line]
        assert not ours, ours


# pages

def pages(installed):
    return sorted((installed / MAN).rglob("*.[158]"))


def test_pages_are_clean(installed):
    assert len(pages(installed)) == 3
    result = subprocess.run(["mandoc", "-T", "lint", "-W", "style", *map(str, pages(installed))],
                            text=True, capture_output=True, timeout=60)
    found = [line for line in (result.stdout + result.stderr).splitlines()
             if "referenced manual not found" not in line and "mandoc.db" not in line]
    assert not found, found


def plain(page):
    return output("sh", "-c", f"mandoc -T ascii '{page}' | col -b")


def command_helps(program):
    """The help of each command, by its name of one word or two."""
    lines = output(program, "--help").partition("Settings come")[0].splitlines()
    helps = {}
    for words in [line.split() for line in lines if re.match(r"  [a-z]", line)]:
        for name in (" ".join(words[:2]), words[0]):
            text = output(program, *name.split(), "--help")
            if re.match(rf"Usage: simpletuner-cloud {name}( [A-Z[]|$)", text):
                helps[name] = text
                break
    return helps


def test_every_command_and_option_is_in_the_page(installed, build):
    page = plain(installed / MAN / "man1/simpletuner-cloud.1")
    helps = command_helps(build / "core/cron/simpletuner-cloud")
    assert {"cron", "jobs list", "s3-credential revoke"} <= set(helps)
    for name, text in helps.items():
        assert re.search(rf"(?m)^ +{name}$", page), name
        for option in re.findall(r"(?m)^  (--[a-z0-9-]+)", text):
            assert option in page, (name, option)


def test_every_option_of_the_responder_is_in_the_page(installed, build):
    help_text = output(build / "fcgi/simpletuner-cloud.fcgi", "--help")
    page = plain(installed / MAN / "man8/simpletuner-cloud.fcgi.8")
    options = re.findall(r"(?m)^      (--[a-z-]+)", help_text)
    assert len(options) >= 9
    assert [option for option in options if option not in page] == []
    assert set(re.findall(r"--[a-z-]+", page)) - set(options) <= {"--now"}


def test_every_setting_is_in_the_page(installed, build):
    help_text = output(build / "fcgi/simpletuner-cloud.fcgi", "--help").partition("Settings come")[2]
    page = plain(installed / MAN / "man5/cloud.env.5")
    names = re.findall(r"(?m)^  ([A-Z_]{5,}) ", help_text)
    assert len(names) > 50
    assert [name for name in names if not re.search(rf"(?m)^ +{name}$", page)] == []


# completion in a real bash

COMPLETE = r"""
. /usr/share/bash-completion/bash_completion
. "$1"
shift
COMP_WORDS=(simpletuner-cloud "$@") COMP_CWORD=$# COMP_LINE="simpletuner-cloud $*"
COMP_POINT=${#COMP_LINE}
compopt() { :; }
_simpletuner_cloud
printf '%s\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def complete(installed, tmp_path_factory):
    """complete(words...): what bash offers for the last word."""
    script = installed / PREFIX / "share/bash-completion/completions/simpletuner-cloud"
    programs = tmp_path_factory.mktemp("bin")
    (programs / "simpletuner-cloud").write_text(
        '#!/bin/sh\necho "$*" >>"$0.asked"\n'
        """echo '{"jobs":[{"job_id":"01kabc"},{"job_id":"01kdef"}]}'\n""")
    (programs / "simpletuner-cloud").chmod(0o755)

    def offer(*words):
        return set(output("bash", "-c", COMPLETE, "complete", script, *words,
                          env={"PATH": f"{programs}:/usr/bin:/bin"}).split())
    return offer


def test_completion_is_loaded_without_a_complaint(installed):
    script = installed / PREFIX / "share/bash-completion/completions/simpletuner-cloud"
    result = subprocess.run(["bash", "-euc", f". '{script}'; complete -p simpletuner-cloud"],
                            text=True, capture_output=True, timeout=30)
    assert (result.returncode, result.stderr) == (0, "")


def test_commands_are_offered_word_by_word(complete):
    assert {"cron", "jobs", "user", "migrate"} <= complete("")
    assert complete("mig") == {"migrate"}
    assert complete("jobs", "") == {"list", "show", "cancel"}
    assert complete("jobs", "sh") == {"show"}
    assert complete("-") == {"--help", "--version"}


def test_options_are_those_of_the_command(complete):
    assert complete("cron", "-") == {"--task=", "--json", "--help"}
    assert complete("migrate", "--j") == {"--json"}
    assert "--task=" not in complete("jobs", "list", "-")


def test_values_that_are_known_are_offered(complete):
    assert "poll_jobs" in complete("cron", "--task", "")
    assert complete("cron", "--task", "=", "poll_j") == {"poll_jobs"}
    assert complete("jobs", "show", "") == {"01kabc", "01kdef"}
    assert complete("jobs", "cancel", "01ka") == {"01kabc"}


def test_every_tool_that_is_needed_is_there():
    missing = [name for name in ("mandoc", "systemd-analyze", "bash", "col") if not shutil.which(name)]
    assert not missing
