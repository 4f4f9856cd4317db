"""Certificates, for tests of TLS."""

import os
import ssl
import subprocess
import time
import uuid


class Authority:
    """A certificate authority of our own, made with the openssl command."""

    def __init__(self, case):
        self.dir = os.path.join(case.top, f"authority-{uuid.uuid4().hex[:8]}")
        os.mkdir(self.dir)
        self.ca = os.path.join(self.dir, "ca.pem")
        self._run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
                  "ca.key", "-out", "ca.pem", "-days", "3650", "-subj", "/CN=Test authority", "-addext",
                  "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def _run(self, *args):
        done = subprocess.run(["openssl", *args], cwd=self.dir, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        if done.returncode != 0:
            raise AssertionError(f"openssl {args[0]}: {done.stdout.decode()}")

    def context(self, names="IP:127.0.0.1,DNS:localhost", begin=None, end=None, own=False):
        """What a server needs to be `names`. Times are written as openssl ca takes them: YYYYMMDDHHMMSSZ."""
        name = uuid.uuid4().hex[:8]
        self._run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{name}.key",
                  "-out", f"{name}.csr", "-subj", "/CN=service")
        with open(os.path.join(self.dir, f"{name}.cnf"), "w") as file:
            file.write("[ca]\ndefault_ca=own\n[own]\ndatabase=%s.db\nnew_certs_dir=.\nserial=%s.srl\ndefault_md=sha256\n"
                       "policy=any\nx509_extensions=ext\n[any]\ncommonName=supplied\n[ext]\nsubjectAltName=%s\n"
                       "basicConstraints=CA:FALSE\n" % (name, name, names))
        open(os.path.join(self.dir, f"{name}.db"), "w").close()
        with open(os.path.join(self.dir, f"{name}.srl"), "w") as file:
            file.write(f"{uuid.uuid4().int >> 66:016X}\n")
        signer = ["-selfsign", "-keyfile", f"{name}.key"] if own else ["-cert", "ca.pem", "-keyfile", "ca.key"]
        now = time.time()
        stamp = "%Y%m%d%H%M%SZ"
        self._run("ca", "-batch", "-notext", "-config", f"{name}.cnf", *signer, "-in", f"{name}.csr", "-out",
                  f"{name}.pem", "-startdate", begin or time.strftime(stamp, time.gmtime(now - 86400)), "-enddate",
                  end or time.strftime(stamp, time.gmtime(now + 86400)))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(os.path.join(self.dir, f"{name}.pem"), os.path.join(self.dir, f"{name}.key"))
        return context
