"""A real slapd on a free port of this machine, with people and groups."""

import subprocess

from stack import base_environment, scratch_directory
from waiting import free_port, until

BASE = "dc=example,dc=org"
ROOT, ROOT_PASSWORD = f"cn=root,{BASE}", "root's own"
LEADS = f"cn=leads,ou=groups,{BASE}"
START_TIMEOUT_S = 20

CONFIG = """\
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
pidfile {home}/slapd.pid
database mdb
suffix "{base}"
rootdn "{root}"
rootpw "{password}"
directory {home}/data
overlay memberof
"""
TREE = """\
dn: {base}
objectClass: dcObject
objectClass: organization
o: Example
dc: example

dn: ou=people,{base}
objectClass: organizationalUnit
ou: people

dn: ou=groups,{base}
objectClass: organizationalUnit
ou: groups
"""
PERSON = """\
dn: {dn}
objectClass: inetOrgPerson
uid: {name}
cn: {name}
sn: {name}
userPassword: {password}
"""
GROUP = """\
dn: {dn}
objectClass: groupOfNames
cn: {name}
member: {member}
"""


def person_dn(name):
    return f"uid={name},ou=people,{BASE}"


def group_dn(name):
    return f"cn={name},ou=groups,{BASE}"


class LdapServer:
    """Use it as a context manager."""

    def __init__(self):
        self.home = scratch_directory("ldap")
        self.url = f"ldap://127.0.0.1:{free_port()}"
        self.process = None
        (self.home / "data").mkdir()
        (self.home / "slapd.conf").write_text(CONFIG.format(
            home=self.home, base=BASE, root=ROOT, password=ROOT_PASSWORD))

    def __enter__(self):
        with open(self.home / "output", "wb") as output:
            self.process = subprocess.Popen(
                ["/usr/sbin/slapd", "-d", "0", "-h", self.url, "-f", self.home / "slapd.conf"],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        until(self.answers, START_TIMEOUT_S, "slapd does not start")
        self.change(TREE.format(base=BASE), "-a")
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def answers(self):
        assert self.process.poll() is None, (self.home / "output").read_text()
        return self._run("ldapwhoami", "").returncode == 0

    def _run(self, program, text, *arguments):
        return subprocess.run(
            [f"/usr/bin/{program}", "-x", "-H", self.url, "-D", ROOT, "-w", ROOT_PASSWORD,
             *arguments], input=text, capture_output=True, text=True, timeout=30,
            env=base_environment(self.home))

    def change(self, ldif, *arguments):
        done = self._run("ldapmodify", ldif, *arguments)
        assert done.returncode == 0, done.stderr

    def add_person(self, name, password):
        self.change(PERSON.format(dn=person_dn(name), name=name, password=password), "-a")

    def add_group(self, name, member):
        self.change(GROUP.format(dn=group_dn(name), name=name, member=person_dn(member)), "-a")

    def remove_group(self, name):
        self.change(f"dn: {group_dn(name)}\nchangetype: delete\n")
