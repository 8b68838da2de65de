"""Our source reads from Azurite, Microsoft's emulator of Azure Blob Storage, over TLS, what Microsoft's own client wrote to it.

Azurite is the program that the environment variable AZURITE names, for Node.js.
"""

import base64
import datetime
import hashlib
import ipaddress
import os
import secrets
import unittest

import mixes

try:
    from azure.storage.blob import BlobBlock, BlobServiceClient, ContainerSasPermissions, ContentSettings, generate_container_sas
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
except ImportError as missing:
    raise unittest.SkipTest(f"there is no client of Azure here: {missing}")
if not os.environ.get("AZURITE"):
    raise unittest.SkipTest("there is no Azurite here: Node.js, npm or a package index is missing")

ACCOUNT = "devstoreaccount1"


def authority(folder):
    """A certificate of this machine and its key, each in a file."""
    key, name, now = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")]), datetime.datetime.now(datetime.UTC)
    made = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(key, hashes.SHA256()))
    (folder / "ca.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return folder / "ca.crt", folder / "key.pem"


class Azurite(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.made = mixes.Mixes(common=1)
        cls.addClassCleanup(cls.made.close)
        ca, key = authority(cls.made.folder)
        at, cls.key = mixes.port(), base64.b64encode(secrets.token_bytes(48)).decode()
        command = ["node", os.environ["AZURITE"], "--blobHost", "127.0.0.1", "--blobPort", str(at), "--cert", ca, "--key", key, "--location", cls.made.folder / "azurite",
                   "--silent", "--disableTelemetry", "--skipApiVersionCheck"]  # Microsoft's client asks for a newer version than its emulator knows
        cls.enterClassContext(mixes.running(command, at, env={**os.environ, "AZURITE_ACCOUNTS": f"{ACCOUNT}:{cls.key}"}))
        cls.endpoint = f"https://127.0.0.1:{at}/{ACCOUNT}"
        cls.account = BlobServiceClient(cls.endpoint, credential={"account_name": ACCOUNT, "account_key": cls.key}, connection_verify=str(ca))
        signature = {"account_name": ACCOUNT, "account_key": cls.key, "permission": ContainerSasPermissions(read=True, list=True),
                     "expiry": datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)}
        cls.secrets = {"key": {"AZURE_STORAGE_KEY": cls.key}, "forged": {"AZURE_STORAGE_KEY": base64.b64encode(b"another").decode()}}
        for name in ("rows", "noted", "wrong"):
            cls.secrets[f"sas-{name}"] = {"AZURE_STORAGE_SAS_TOKEN": generate_container_sas(container_name=name, **signature)}
        cls.arguments = ["--configmap", f"ca={cls.made.folder}"]
        for name, values in cls.secrets.items():
            folder = cls.made.folder / "secrets" / name
            folder.mkdir(parents=True)
            for variable, value in values.items():
                (folder / variable).write_text(value)
            cls.arguments += ["--secret", f"{name}={folder}"]

    def read(self, container, secret, files=("*.jsonl",), **changed):
        source = {"url": f"azblob://{container}/in", "files": list(files), "endpoint": self.endpoint, "secretRef": {"name": secret}, "caBundleRef": {"name": "ca", "key": "ca.crt"}, **changed}
        return self.made.build(f"{container}-{secret}", mixes.one({"objectStore": {k: v for k, v in source.items() if v}}), *self.arguments)

    def put(self, container, name, content, settings=None):
        self.account.get_container_client(container).upload_blob(name, content, content_settings=settings)

    def rows(self, what, n):
        return [{"q": f"{what} {i}?", "a": "x" * 100} for i in range(n)]

    def content(self, rows):
        path = self.made.folder / "content.jsonl"
        mixes.lines(path, rows)
        return path.read_bytes()

    def test_by_signature_and_by_key(self):
        """One file larger than a part, one in blocks, which has no digest, and a folder that is not asked for."""
        self.account.create_container("rows")
        large, blocks = self.rows("large", 80_000), self.rows("blocks", 50)
        content = self.content(large)
        self.assertGreater(len(content), 2 * 4 << 20)
        self.put("rows", "in/large ü.jsonl", content, ContentSettings(content_md5=bytearray(hashlib.md5(content).digest())))
        blob = self.account.get_blob_client("rows", "in/blocks.jsonl")
        for i, part in enumerate((blocks[:20], blocks[20:])):
            blob.stage_block(f"{i:03}", self.content(part))
        blob.commit_block_list([BlobBlock("000"), BlobBlock("001")])
        self.assertIsNone(blob.get_blob_properties().content_settings.content_md5)
        self.put("rows", "inside.jsonl", b"no rows")
        read = {secret: self.read("rows", secret) for secret in ("key", "sas-rows")}
        for secret, current in read.items():
            self.assertEqual(mixes.questions(current), sorted(row["q"] for row in large + blocks), secret)
        self.assertEqual(read["key"].resolve().name, read["sas-rows"].resolve().name, "the revision")

    def test_the_digest_of_a_blob(self):
        """A Content-MD5 that a blob has is compared; another than that of its bytes is refused by the blob's name."""
        for container, digest in (("noted", None), ("wrong", hashlib.md5(b"another").digest())):
            self.account.create_container(container)
            content = self.content(self.rows(container, 30))
            self.put(container, "in/rows.jsonl", content)
            noted = ContentSettings(content_md5=bytearray(digest or hashlib.md5(content).digest()))  # which the server does not compare once the blob is there
            self.account.get_blob_client(container, "in/rows.jsonl").set_http_headers(noted)
        self.assertEqual(len(mixes.questions(self.read("noted", "sas-noted"))), 30)
        with self.assertRaisesRegex(AssertionError, r"in/rows\.jsonl has the checksum md5:[0-9a-f]{32}, and md5:[0-9a-f]{32} was promised"):
            self.read("wrong", "sas-wrong")

    def test_what_is_refused(self):
        self.account.create_container("private")
        self.put("private", "in/rows.jsonl", self.content(self.rows("private", 3)))
        for secret, changed, want in (("sas-rows", {}, "may not be read"), ("forged", {}, "may not be read"),
                                      ("key", {"caBundleRef": None}, "certificate"), ("key", {"url": "azblob://nothing/in"}, "ContainerNotFound")):
            with self.subTest(secret=secret, **changed), self.assertRaisesRegex(AssertionError, want) as refused:
                self.read("private", secret, **changed)
            for values in self.secrets.values():
                for value in values.values():
                    self.assertNotIn(value.partition("sig=")[2] or value, str(refused.exception))


if __name__ == "__main__":
    unittest.main()
