"""Settings of the server, from arguments or environment variables that start with MIEN_."""

import hashlib
import ipaddress
import json
import re
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, DirectoryPath, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

__all__ = ["Consent", "WebSettings", "is_loopback"]

MIN_TOKEN = 16

NOTICE = (
    "mien looks for faces in what you show it and reads how their expression appears: as "
    "probabilities of eight expressions. An expression is not a feeling, and the reading is often "
    "wrong. No picture is kept; everything is forgotten when you stop. Only show people who have "
    "agreed to it."
)


class Consent(BaseModel):
    """The notice that users must agree to before a camera opens.

    Attributes:
        version: changes when the texts change; users must then consent again. If empty, a hash of
            the texts.
        text: what is analysed, as plain text; blank lines separate paragraphs.
        where: where images are processed, as plain text; the page's default text if None.
        kept: what is stored and for how long, as plain text; the page's default text if None.
    """

    version: str = ""
    text: str = NOTICE
    where: str | None = None
    kept: str | None = None

    @model_validator(mode="after")
    def _name_by_texts(self) -> Self:
        if not self.version:
            texts = json.dumps([self.text, self.where, self.kept])
            self.version = hashlib.sha256(texts.encode()).hexdigest()[:8]
        return self


class WebSettings(BaseSettings):
    """How the server listens, what it accepts and how long it keeps results.

    Attributes:
        host: address or host name to listen on.
        port: TCP port to listen on; 0 lets the system choose one.
        token: shared secret of the clients; required unless the address is loopback.
        certificate: TLS certificate as a PEM file; None for plain HTTP. Requires `key`.
        key: private key of the certificate as a PEM file.
        allowed_hosts: additional host names and addresses that requests may name in `Host`.
        allowed_origins: other origins whose pages may call the API; none by default.
        workers: number of inference threads, and of videos that are open at the same time.
        precision: precision of the expression network; the default of mien if None.
        max_upload: maximum size of an upload in bytes.
        max_frame: maximum size of a live frame in bytes.
        max_pixels: maximum number of pixels of an image or video frame.
        max_duration_s: maximum duration of a video in seconds.
        max_uploads: maximum number of uploads received and read at the same time.
        max_jobs: maximum number of videos that are waiting, being read or kept.
        max_live: maximum number of live connections at the same time.
        live_fps: maximum readings per second of one live connection.
        uploads_per_minute: maximum uploads per minute from one address.
        keep_s: seconds that the results of a video are kept after they were last requested.
        read_timeout_s: seconds after which a client that sends nothing is disconnected.
        write_timeout_s: seconds after which a client that receives nothing is disconnected.
        temporary: parent of the private folder for uploads; the system's default if None.
        consent: notice that users must agree to before a camera opens.
    """

    model_config = SettingsConfigDict(env_prefix="MIEN_", env_nested_delimiter="__", frozen=True)

    host: str = "127.0.0.1"
    port: int = Field(default=8383, ge=0, le=65535)
    token: SecretStr | None = None
    certificate: Path | None = None
    key: Path | None = None
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    allowed_origins: Annotated[tuple[str, ...], NoDecode] = ()
    workers: int = Field(default=2, ge=1, le=64)
    precision: Literal["fp32", "int8"] | None = None
    max_upload: int = Field(default=512_000_000, ge=1)
    max_frame: int = Field(default=2_000_000, ge=1)
    max_pixels: int = Field(default=64_000_000, ge=1)
    max_duration_s: float = Field(default=3600.0, gt=0)
    max_uploads: int = Field(default=16, ge=1)
    max_jobs: int = Field(default=20, ge=1)
    max_live: int = Field(default=16, ge=1)
    live_fps: float = Field(default=15.0, gt=0)
    uploads_per_minute: int = Field(default=120, ge=1)
    keep_s: float = Field(default=3600.0, gt=0)
    read_timeout_s: float = Field(default=20.0, gt=0)
    write_timeout_s: float = Field(default=30.0, gt=0)
    temporary: DirectoryPath | None = None
    consent: Consent = Consent()

    @field_validator("allowed_hosts", "allowed_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        """Parse names separated by commas, or a JSON list; IPv6 addresses have brackets, too."""
        if not isinstance(value, str):
            return value
        if re.match(r'\s*\[\s*["\]]', value):
            return json.loads(value)
        return [part.strip() for part in value.split(",") if part.strip()]

    @field_validator("allowed_hosts")
    @classmethod
    def _address(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(_as_requested, hosts))

    @field_validator("allowed_origins")
    @classmethod
    def _normalise(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        """Write origins as browsers do."""
        return tuple(origin.rstrip("/").lower() for origin in origins)

    @model_validator(mode="after")
    def _refuse_half_a_certificate(self) -> Self:
        if (self.certificate is None) is not (self.key is None):
            raise ValueError(
                "TLS needs a certificate and its key; give both --certificate and --key"
            )
        return self

    @model_validator(mode="after")
    def _refuse_open_doors(self) -> Self:
        secret = self.token.get_secret_value() if self.token else None
        if secret is not None and len(secret) < MIN_TOKEN:
            raise ValueError(f"the token must have {MIN_TOKEN} characters or more; set MIEN_TOKEN")
        if secret is not None and not (secret.isascii() and secret.isprintable()):
            # HTTP headers are limited to ASCII; see RFC 6750, section 2.1.
            raise ValueError(
                "the token must consist of printable ASCII characters; set another MIEN_TOKEN"
            )
        if secret is None and not is_loopback(self.host):
            raise ValueError(
                f"listening on {self.host} admits other machines; set MIEN_TOKEN to a secret of "
                f"{MIN_TOKEN} characters or more, or listen on 127.0.0.1"
            )
        return self


def _as_requested(host: str) -> str:
    """A host as in requests: in lower case, without port, IPv6 in brackets."""
    if "//" not in host:
        # Several colons mean IPv6; one precedes a port.
        host = f"//[{host}]" if host.count(":") > 1 and "[" not in host else f"//{host}"
    name = urlsplit(host).hostname or ""
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        if not name:
            raise ValueError(f"{host} names no host; give names or addresses") from None
        return name
    return f"[{address}]" if address.version == 6 else str(address)


def is_loopback(host: str) -> bool:
    """Whether an address is reachable from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
