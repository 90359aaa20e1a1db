"""A private certificate authority for the simulator: made once in a directory, then reused."""

import datetime
import ipaddress
import pathlib

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFETIME = datetime.timedelta(days=365)
BACKDATE = datetime.timedelta(hours=1)
LOCAL_NAMES = (x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
               x509.IPAddress(ipaddress.ip_address("::1")))


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(subject, issuer, key, now):
    return (x509.CertificateBuilder()
            .subject_name(subject).issuer_name(issuer).public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - BACKDATE).not_valid_after(now + LIFETIME))


def make_authority(common_name, now):
    """(key, certificate) of an authority that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(common_name)
    usage = x509.KeyUsage(digital_signature=False, content_commitment=False,
                          key_encipherment=False, data_encipherment=False, key_agreement=False,
                          key_cert_sign=True, crl_sign=True, encipher_only=False,
                          decipher_only=False)
    cert = (_builder(name, name, key, now)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .sign(key, hashes.SHA256()))
    return key, cert


def _make_server(ca_key, ca_cert, now, names):
    key = ec.generate_private_key(ec.SECP256R1())
    cert = (_builder(_name("Replicate simulator"), ca_cert.subject, key, now)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName(names), False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), False)
            .sign(ca_key, hashes.SHA256()))
    return key, cert


def write_private(path, data):
    """Write data to a file that only its owner may read."""
    path.touch(mode=0o600)
    path.write_bytes(data)


def pem(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption())


def ensure_certificates(directory, age=datetime.timedelta(), names=LOCAL_NAMES):
    """Return (ca.pem, server.pem, server.key) below directory, making them when they are absent.
    age: of the server's certificate, which is good for LIFETIME."""
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    paths = directory / "ca.pem", directory / "server.pem", directory / "server.key"
    if all(path.exists() for path in paths):
        return paths
    now = datetime.datetime.utcnow()
    ca_key, ca_cert = make_authority("Replicate simulator CA", now)
    key, cert = _make_server(ca_key, ca_cert, now - age, names)
    write_private(paths[2], pem(key))
    paths[1].write_bytes(cert.public_bytes(serialization.Encoding.PEM))
    paths[0].write_bytes(ca_cert.public_bytes(serialization.Encoding.PEM))
    return paths
