"""Users whom the front server identifies: LDAP and password files behind Apache and lighttpd."""

import base64
import concurrent.futures
import hashlib

import pytest

import expect
from ldap_server import LEADS, LdapServer
from people import Person
from stack import scratch_directory

APACHE_MODULES = "auth_basic authn_core authn_file authz_user ldap authnz_ldap"
# As in README.md: whoever shows a credential of the service's own is not asked for a password.
APACHE = """\
<LocationMatch "^/api(/|$)">
    AuthType Basic
    AuthName "SimpleTuner Cloud"
    {provider}
    <RequireAny>
        Require valid-user
        Require expr "%{{REQUEST_URI}} =~ m#^/api/(webhooks/|cloud/health)#"
        Require expr "-n req('X-API-Key') || -n req('X-Upload-Token')"
        Require expr "req('Authorization') =~ /^(Bearer|AWS4-HMAC-SHA256) /"
    </RequireAny>
</LocationMatch>
"""
APACHE_LDAP = """\
AuthBasicProvider ldap
    AuthLDAPURL {url}/ou=people,dc=example,dc=org?uid,memberOf"""
APACHE_FILE = """\
AuthBasicProvider file
    AuthUserFile {path}"""
LIGHTTPD = """\
server.modules += ( "mod_authn_file" )
auth.backend = "htpasswd"
auth.backend.htpasswd.userfile = "{path}"
$REQUEST_HEADER["X-API-Key"] == "" {{
  $HTTP["url"] !~ "^/api/(webhooks/|cloud/health)" {{
    auth.require = ( "/api/" => ( "method" => "basic", "realm" => "SimpleTuner Cloud",
                                  "require" => "valid-user" ) )
  }}
}}
"""
PASSWORD = "their own"
BELIEVED = {"SIMPLETUNER_TRUST_REMOTE_USER": "1"}


def basic(name, password=PASSWORD):
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def write(name, text):
    path = scratch_directory("front") / name
    path.parent.chmod(0o755)
    path.write_text(text)
    return path


def password_file(*names):
    digest = base64.b64encode(hashlib.sha1(PASSWORD.encode()).digest()).decode()
    return write("passwords", "".join(f"{name}:{{SHA}}{digest}\n" for name in names))


def include(front, names):
    path = password_file(*names)
    if front == "lighttpd":
        return {"SIMPLETUNER_FRONT_INCLUDE": str(write("auth.conf", LIGHTTPD.format(path=path)))}
    return {"SIMPLETUNER_APACHE_MODULES": APACHE_MODULES, "SIMPLETUNER_FRONT_INCLUDE": str(write(
        "auth.conf", APACHE.format(provider=APACHE_FILE.format(path=path))))}


@pytest.fixture
def served(new_stack):
    """served(front, names, **settings): a service whose front server knows these names, and which
    has an administrator."""
    def start(front, names=("ann", "bob"), database="sqlite", **settings):
        stack = new_stack(env=include(front, names) | BELIEVED | settings, front=front,
                          database=database, reset=False)
        stack.boss = Person(stack, "boss", is_admin=True)
        return stack
    return start


def me(stack, name, **headers):
    return expect.ok(stack.get("/api/auth/me", headers=basic(name) | headers))


def user_names(stack):
    return {name for [name] in stack.query("SELECT username FROM users")}


@pytest.mark.parametrize("front", ("lighttpd", "apache", "apache-fcgid"))
def test_the_front_servers_user_is_known(served, front):
    stack = served(front)
    assert stack.get("/api/cloud/jobs").status_code == 401
    assert stack.get("/api/cloud/jobs", headers=basic("ann", "wrong")).status_code == 401
    assert me(stack, "ann")["username"] == "ann"
    assert user_names(stack) == {"boss", "ann"}
    expect.ok(stack.get("/api/cloud/jobs", headers=basic("ann")))
    expect.error(stack.get("/api/audit", headers=basic("ann")), 403)
    expect.ok(stack.get("/api/audit", headers=stack.boss.headers))


@pytest.mark.parametrize("front", ("lighttpd", "apache"))
def test_a_page_of_another_site_cannot_use_the_login_of_the_browser(served, front):
    stack = served(front, SIMPLETUNER_REMOTE_USER_LEVEL="researcher")
    path, body = "/api/auth/s3-credentials", {"name": "forged"}
    forged = [{"Origin": "https://evil.example"}, {"Origin": "null"},
              {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}]
    for headers in forged:
        expect.error(stack.post(path, json=body, headers=basic("ann") | headers), 403)
    own = {"Origin": stack.url, "Sec-Fetch-Site": "same-origin"}
    assert stack.post(path, json=body, headers=basic("ann") | own).status_code == 201
    assert len(stack.query("SELECT owner FROM s3_credentials")) == 1


@pytest.mark.parametrize("front", ("lighttpd", "apache"))
def test_an_account_with_a_password_is_not_taken_over(served, front):
    stack = served(front, names=("boss", "Boss", "local"))
    for name in ("boss", "Boss", "local"):
        expect.error(stack.get("/api/auth/me", headers=basic(name)), 401)
    assert user_names(stack) == {"boss"}


@pytest.mark.parametrize("database", ("sqlite", "postgresql"))
def test_who_comes_several_times_at_once_is_made_once(served, database):
    stack = served("lighttpd", database=database)
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        ids = set(pool.map(lambda _: me(stack, "ann")["id"], range(48)))
    assert len(ids) == 1
    [[made]] = stack.query("SELECT COUNT(*) FROM audit_log WHERE event_type = 'user.created' "
                           "AND target_id = %s", str(ids.pop()))
    assert made == 1


def test_a_deactivated_user_stays_out(served):
    stack = served("lighttpd")
    me(stack, "ann")
    stack.change("UPDATE users SET deactivated_at_us = 1 WHERE username = 'ann'")
    expect.error(stack.get("/api/auth/me", headers=basic("ann")), 401, "deactivated")


def test_nobody_is_made_when_that_is_switched_off(served):
    stack = served("lighttpd", SIMPLETUNER_REMOTE_USER_LEVEL="none")
    expect.error(stack.get("/api/auth/me", headers=basic("ann")), 401, "no such user")
    assert user_names(stack) == {"boss"}


def test_nobody_is_believed_unless_it_is_switched_on(served):
    stack = served("apache", SIMPLETUNER_TRUST_REMOTE_USER="0")
    expect.error(stack.get("/api/auth/me", headers=basic("ann")), 401)
    assert user_names(stack) == {"boss"}


# names that come as headers

SPOOFED = ("REMOTE_USER", "Remote-User", "X-Remote-User", "X-REMOTE_USER", "HTTP_REMOTE_USER",
           "X-Forwarded-User", "Auth-User", "REMOTE-USER", "Redirect-Remote-User",
           "REDIRECT_REMOTE_USER")


@pytest.mark.parametrize("front", ("lighttpd", "apache", "apache-fcgid"))
def test_a_header_makes_nobody(new_stack, front):
    """The front server asks for no name here, and the service would believe it."""
    stack = new_stack(env=BELIEVED, front=front, reset=False)
    boss = Person(stack, "boss", is_admin=True)
    stack.change("UPDATE users SET auth_provider = 'remote'")
    for header in SPOOFED:
        status, _, _ = stack.raw("GET", "/api/auth/me", headers={header: "boss"})
        assert status in (400, 401), header
    assert user_names(stack) == {"boss"}
    expect.ok(boss.get("/api/auth/me"))


@pytest.mark.parametrize("front", ("lighttpd", "apache"))
def test_a_header_does_not_replace_the_name(served, front):
    stack = served(front)
    stack.change("UPDATE users SET auth_provider = 'remote'")
    for header in SPOOFED:
        status, _, body = stack.raw("GET", "/api/auth/me", headers=basic("ann") | {header: "boss"})
        assert status == 400 or b'"ann"' in body, header


def test_a_header_does_not_add_groups(served):
    stack = served("lighttpd", SIMPLETUNER_REMOTE_GROUP_LEVELS="admins=admin")
    for header in ("REMOTE_GROUPS", "Remote-Groups", "HTTP_REMOTE_GROUPS", "X-Remote-Groups"):
        stack.raw("GET", "/api/auth/me", headers=basic("ann") | {header: "admins"})
        assert not me(stack, "ann", **{header: "admins"})["is_admin"]
        expect.error(stack.get("/api/audit", headers=basic("ann") | {header: "admins"}), 403)


# LDAP

@pytest.fixture(scope="module")
def directory():
    with LdapServer() as server:
        server.add_person("carol", PASSWORD)
        server.add_person("dave", PASSWORD)
        server.add_group("staff", "carol")
        yield server


@pytest.fixture
def ldap(new_stack, directory):
    """Behind Apache, which asks the directory."""
    conf = APACHE.format(provider=APACHE_LDAP.format(url=directory.url))
    stack = new_stack(front="apache", reset=False, env=BELIEVED | {
        "SIMPLETUNER_APACHE_MODULES": APACHE_MODULES,
        "SIMPLETUNER_FRONT_INCLUDE": str(write("ldap.conf", conf)),
        "SIMPLETUNER_REMOTE_GROUPS_VARIABLE": "AUTHENTICATE_MEMBEROF",
        "SIMPLETUNER_REMOTE_GROUP_LEVELS":
            f"{LEADS}=lead; CN=Staff,ou=groups,dc=example,dc=org = researcher"})
    stack.boss = Person(stack, "boss", is_admin=True)
    return stack


def levels(stack, name):
    return {level["name"] for level in me(stack, name)["levels"]}


def test_groups_of_the_directory_are_levels(ldap, directory):
    assert levels(ldap, "carol") == {"researcher"}
    assert levels(ldap, "dave") == {"viewer"}
    directory.add_group("leads", "carol")
    ldap.restart()  # Apache remembers what the directory has told it
    assert levels(ldap, "carol") == {"researcher", "lead"}
    directory.remove_group("leads")
    directory.remove_group("staff")
    ldap.restart()
    assert levels(ldap, "carol") == {"viewer"}
    directory.add_group("staff", "carol")
    [[changes]] = ldap.query("SELECT COUNT(*) FROM audit_log "
                             "WHERE event_type = 'user.level.changed'")
    assert changes == 2


def test_the_directory_decides_about_passwords(ldap):
    for headers in (basic("carol", "wrong"), basic("carol", ""), basic("nobody"), basic("*"),
                    basic("carol)(uid=*"), {}):
        assert ldap.get("/api/auth/me", headers=headers).status_code == 401
    assert user_names(ldap) == {"boss"}


def test_credentials_of_the_service_pass_by_the_directory(ldap):
    expect.ok(ldap.boss.get("/api/auth/me"))
    expect.error(ldap.get("/api/auth/me", headers={"X-API-Key": "st_" + "x" * 32}), 401)
    assert ldap.get("/api/cloud/health/ready").status_code == 200


def test_the_directory_gives_no_name_to_who_shows_a_bad_key(ldap):
    key = {"X-API-Key": "st_" + "x" * 32}
    expect.error(ldap.get("/api/auth/me", headers=basic("carol") | key), 401)
