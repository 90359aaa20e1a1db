"""Front servers as we ship them come out clean; each trap that is set in one is found."""

import pytest

from doctor import examine
from stack import Stack, scratch_directory

# A conditional that always holds, because lighttpd sets nothing twice at the top.
LIGHTTPD = """
$HTTP["url"] =~ "" {
  server.stream-request-body = 1
  server.stream-response-body = 0
  server.max-request-size = 4096
  setenv.set-request-header = ( "Authorization" => "" )
}
"""
APACHE = """
AllowEncodedSlashes Off
MergeSlashes On
RequestHeader unset X-Forwarded-For early
RewriteEngine On
RewriteCond %{REQUEST_METHOD} =HEAD
RewriteRule ^ - [R=405,L]
<LocationMatch "^/(api|health)(/|$)">
    CGIPassAuth Off
    XSendFile Off
</LocationMatch>
"""
FCGID = """
RequestHeader unset Authorization early
FcgidMaxRequestLen 131072
FcgidOutputBufferSize 65536
"""
FOUND = {
    "lighttpd": (LIGHTTPD, {
        ("error", "Authorization"), ("error", "X_Forwarded_For"), ("error", "collects events"),
        ("error", "9 MiB does not get through"), ("warning", "5120 MiB (status 413)"),
        ("warning", "without Content-Length does not get through")}),
    "apache": (APACHE, {
        ("error", "Authorization"), ("error", "an encoded slash"), ("warning", "HEAD does not"),
        ("error", "X-Sendfile"), ("error", "passes X-Sendfile on"),
        ("note", "takes X-Forwarded-For away")}),
    "apache-fcgid": (FCGID, {
        ("error", "Authorization"), ("error", "9 MiB does not get through"),
        ("error", "collects events"), ("note", "collects each upload")}),
}


@pytest.fixture(scope="module", params=FOUND)
def trapped(request, fleet):
    """A service behind a front server that is set up badly, with what is to be found of it."""
    conf, found = FOUND[request.param]
    path = scratch_directory("front") / "trap.conf"
    path.write_text(conf)
    path.parent.chmod(0o755)
    env = {"SIMPLETUNER_FRONT_INCLUDE": str(path), "SIMPLETUNER_APACHE_MODULES": "rewrite"}
    with Stack(request.param, fleet.database_url("sqlite"), env) as stack:
        yield stack, found


def test_our_configurations_are_clean(any_front):
    findings = examine(any_front.env, "--only", "public_url,front,responder,sockets,limits")
    assert findings.troubles() == []
    assert findings.of("ok", check="front") or any_front.front == "apache-fcgid"
    collects = findings.of("note", check="front")
    assert [finding["found"][:48] for finding in collects] == (
        ["The front server collects each upload before it p"[:48]]
        if any_front.front == "apache-fcgid" else [])


def test_every_trap_is_found(trapped):
    stack, expected = trapped
    findings = examine(stack.env, "--only", "front")
    missing = {(level, mention) for level, mention in expected
               if not any(mention in finding["found"] and finding["command"]
                          for finding in findings.of(level, check="front"))}
    assert missing == set(), [finding["found"] for finding in findings.all]
    assert len(findings.of("note", "warning", "error")) <= len(expected) + 2, findings.all


def test_another_service_is_not_taken_for_ours(fleet, trapped):
    ours, (other, _) = fleet.get("lighttpd", "sqlite"), trapped
    findings = examine(ours.env, "--only", "front", "--url", other.url)
    findings.one("error", "front", "but not by a responder with the home")
