"""What whoever runs the server may set: by arguments, or by variables that start with MIEN_."""

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
    """The notice that must be agreed to before a camera opens.

    Attributes:
        version: where it changes, everybody is asked again; a hash of the texts if empty.
        text: what is analysed; plain text, paragraphs separated by blank lines.
        where: pictures are read, as plain text; the page's own words if None.
        kept: what is kept and how long, as plain text; the page's own words if None.
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
    """How the server listens, what it takes and how long it keeps it.

    Attributes:
        token: what clients must know; required unless the address is loopback.
        allowed_hosts: names and addresses under which the server may be asked besides its own.
        allowed_origins: other origins whose pages may call the API; none by default.
        workers: inferences at the same time, each in one thread; as many films are open.
        max_upload: bytes of one upload.
        max_frame: bytes of one live frame.
        max_pixels: of a picture or one frame of a film.
        max_duration_s: of a film.
        max_uploads: uploads that are received and read at the same time.
        max_jobs: films that are waiting, read or kept.
        max_live: live connections at the same time.
        live_fps: readings per second that one live connection gets at most.
        uploads_per_minute: from one address.
        keep_s: how long the results of a film are kept.
        read_timeout_s: a client that sends nothing for so long is cut off.
        write_timeout_s: a client that takes nothing for so long is cut off.
        temporary: where the private folder for films is made; the system's place if None.
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
    max_pixels: int = Field(default=50_000_000, ge=1)
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
        """Names with commas between them, or a JSON list; an IPv6 address has brackets too."""
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
        """As browsers write them."""
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
            # RFC 6750, 2.1; HTTP headers have no letters beyond ASCII.
            raise ValueError("the token must be of ASCII characters alone; set MIEN_TOKEN anew")
        if secret is None and not is_loopback(self.host):
            raise ValueError(
                f"listening on {self.host} lets others in; set MIEN_TOKEN to a secret of "
                f"{MIN_TOKEN} characters or more, or listen on 127.0.0.1"
            )
        return self


def _as_requested(host: str) -> str:
    """A host as requests name it: in small letters, without a port, IPv6 in brackets."""
    if "//" not in host:
        # Several colons are of IPv6; a port has one.
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
    """Whether an address can only be reached from this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
