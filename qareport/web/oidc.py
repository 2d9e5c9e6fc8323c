"""Sign-in by a provider of OpenID Connect: what is asked of it, and what is believed of its answers.

The authorization code flow of OpenID Connect Core 1.0 with PKCE (RFC 7636), state and nonce. The names of the protocol
and the checks of tokens are Authlib's and joserfc's; requests go out by the desk's own client, with its limits.
"""

from __future__ import annotations

import hmac
import json
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.util import find_spec
from typing import Any, Final
from urllib.parse import urlsplit

from qareport.errors import ConfigError, Problem, QareportError
from qareport.messages import Message, say
from qareport.outgoing import OutgoingClient, OutgoingError, OutgoingReach
from qareport.settings import DeskSettings
from qareport.settings.oidc import is_encrypted
from qareport.settings.secrets import find_secret

#: Where the provider sends the browser back to.
CALLBACK: Final = "/login/oidc/callback"
#: So long a person may take to log in at the provider.
FLOW_LASTS: Final = timedelta(minutes=10)
#: In seconds: so far the clocks of provider and desk may be apart.
SKEW_S: Final = 120
#: In seconds: so long what the provider says of itself is kept, and so long it is not asked again after a failure.
_KEPT_S, _FAILED_S = 3600.0, 5.0
#: Signatures with keys of two halves: what a public key checks.
_ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519")
#: How a client proves to be itself, the best first, of what the provider says that it takes.
_METHODS: Final = ("client_secret_basic", "client_secret_post")
_REACH: Final = OutgoingReach(private=True, timeout_s=10, most_bytes=512 * 1024)


class SignInError(QareportError):
    """The provider answered, and nobody is logged in by it."""


class ProviderDownError(QareportError):
    """The provider does not answer, or not as a provider does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """A sign-in that is under way; the browser carries it, signed, while it is at the provider."""

    state: str
    nonce: str
    verifier: str
    #: Where on the desk the person wants to go.
    next: str

    @classmethod
    def begin(cls, next: str) -> SignIn:
        """Begin one, with secrets that nobody guesses."""
        state, nonce, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48)
        return cls(state=state, nonce=nonce, verifier=verifier, next=next)


class OidcProvider:
    """The provider of a desk; safe for threads."""

    def __init__(
        self, desk: DeskSettings, *, client: OutgoingClient | None = None, now: Callable[[], datetime]
    ) -> None:
        """Read the settings; the provider is asked later, when somebody signs in.

        Args:
            desk: its settings, with an issuer.
            client: sends requests; None: one that also reaches private networks, where such providers are.
            now: the clock.

        Raises:
            ConfigError: everything that is missing.
        """
        self.settings: Final = desk.oidc
        self._secret: Final = _check(desk)
        self._redirect: Final = desk.public_url.rstrip("/") + CALLBACK
        self._client: Final = client or OutgoingClient(_REACH)
        self._now: Final = now
        self._lock = threading.Lock()
        self._known: tuple[float, Mapping[str, Any], Any] | None = None
        self._failed: tuple[float, ProviderDownError] | None = None

    def address(self, flow: SignIn) -> str:
        """Return where the browser is sent to log in.

        Raises:
            ProviderDownError: the provider does not answer.
        """
        from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
        from authlib.oauth2.rfc7636 import create_s256_code_challenge

        metadata, _ = self._metadata()
        return str(
            prepare_grant_uri(
                metadata["authorization_endpoint"], self.settings.client_id, "code", redirect_uri=self._redirect,
                scope=["openid", *self.settings.scopes], state=flow.state, nonce=flow.nonce,
                code_challenge=create_s256_code_challenge(flow.verifier), code_challenge_method="S256",
            )
        )  # fmt: skip

    def claims(self, flow: SignIn, answer: Mapping[str, str]) -> Mapping[str, Any]:
        """Return what the provider says of the person who logged in there.

        Args:
            flow: the sign-in that this browser began.
            answer: what the provider sent the browser back with.

        Raises:
            SignInError: it is the answer to another sign-in, the provider let nobody in, or its token proves nothing.
            ProviderDownError: the provider does not answer.
        """
        if not hmac.compare_digest(flow.state.encode(), answer.get("state", "").encode()):
            raise _another()
        if answer.get("iss", self.settings.issuer) != self.settings.issuer:  # RFC 9207
            raise _another()
        if "error" in answer:
            raise SignInError(
                say("the login system did not let you in ({reason})", reason=answer["error"][:100]),
                to_do=say("try again, or ask whoever runs it"),
            )
        token = self._exchange(flow, answer.get("code", ""))
        claims = self._verified(token, flow)
        metadata, _ = self._metadata()
        if claims_at(claims, self.settings.groups_claim) is None and metadata.get("userinfo_endpoint"):
            claims = self._more(metadata["userinfo_endpoint"], token, claims)
        return claims

    def _exchange(self, flow: SignIn, code: str) -> Mapping[str, Any]:
        """Change the code for tokens."""
        from authlib.oauth2.auth import ClientAuth
        from authlib.oauth2.rfc6749.parameters import prepare_token_request

        metadata, _ = self._metadata()
        taken = metadata.get("token_endpoint_auth_methods_supported") or _METHODS[:1]
        method = next((each for each in _METHODS if each in taken), _METHODS[0]) if self._secret else "none"
        body = prepare_token_request(
            "authorization_code", code=code or "-", redirect_uri=self._redirect, code_verifier=flow.verifier
        )
        headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
        prove = ClientAuth(self.settings.client_id, self._secret, method)
        url, headers, body = prove.prepare("POST", metadata["token_endpoint"], headers, body)
        status, answer = self._ask("POST", url, headers=headers, body=body.encode())
        if status >= 400 or not isinstance(answer.get("id_token"), str):
            reason = str(answer.get("error", status))[:100]
            raise SignInError(
                say("the login system gave no proof of who you are ({reason})", reason=reason),
                to_do=say("try again; if it stays so, an administrator checks desk.oidc in qareport.yaml"),
            )
        return answer

    def _verified(self, token: Mapping[str, Any], flow: SignIn) -> Mapping[str, Any]:
        """Check the ID token: signature, issuer, audience, times, nonce, and that the access token belongs to it."""
        from authlib.oidc.core import CodeIDToken
        from joserfc.errors import JoseError
        from joserfc.jwt import decode

        text, wanted = str(token["id_token"]), self.settings
        try:
            try:
                decoded = decode(text, self._metadata()[1], algorithms=_ALGORITHMS)
            except (JoseError, ValueError):  # signed by a key that is newer than what is known of the provider
                decoded = decode(text, self._metadata(anew=True)[1], algorithms=_ALGORITHMS)
            options = {
                "iss": {"essential": True, "value": wanted.issuer},
                "aud": {"essential": True, "value": wanted.client_id},
                "sub": {"essential": True},
            }
            params = {
                "nonce": flow.nonce, "client_id": wanted.client_id, "access_token": token.get("access_token"),
            }  # fmt: skip
            claims = CodeIDToken(decoded.claims, decoded.header, options, params)
            claims.validate(now=int(self._now().timestamp()), leeway=SKEW_S)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise SignInError(
                say("the proof of the login system is not valid ({reason})", reason=_reason(error)),
                to_do=say("check that the clocks of both machines are right, and desk.oidc in qareport.yaml"),
            ) from error
        return dict(claims)

    def _more(self, url: str, token: Mapping[str, Any], claims: Mapping[str, Any]) -> Mapping[str, Any]:
        """Add what the provider says elsewhere of the same person; the ID token counts."""
        access = str(token.get("access_token", ""))
        status, more = self._ask("GET", url, headers={"authorization": f"Bearer {access}"})
        return {**more, **claims} if status < 400 and more.get("sub") == claims["sub"] else claims

    # --- what the provider says of itself -----------------------------------------------------------------------------

    def _metadata(self, *, anew: bool = False) -> tuple[Mapping[str, Any], Any]:
        """Return the provider's addresses and keys; one thread at a time asks, and none soon after a failure."""
        with self._lock:
            now = time.monotonic()
            if self._known is not None and not anew and now - self._known[0] < _KEPT_S:
                return self._known[1:]
            if self._failed is not None and now - self._failed[0] < _FAILED_S:
                raise self._failed[1].with_traceback(None)
            try:
                metadata, keys = self._discover()
            except ProviderDownError as error:
                self._failed = (time.monotonic(), error)
                raise
            self._known = (time.monotonic(), metadata, keys)
            return metadata, keys

    def _discover(self) -> tuple[Mapping[str, Any], Any]:
        from authlib.oidc.discovery import get_well_known_url
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        issuer = self.settings.issuer
        status, metadata = self._ask("GET", get_well_known_url(issuer, external=True))
        needed = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        if status >= 400 or metadata.get("issuer") != issuer:
            raise _down(issuer, say("it is not the provider that desk.oidc.issuer names"))
        if not all(is_encrypted(str(metadata.get(name, "")).partition("?")[0]) for name in needed):
            raise _down(issuer, say("it names no addresses that are encrypted"))
        _, keys = self._ask("GET", metadata["jwks_uri"])
        try:
            return metadata, KeySet.import_key_set(keys)  # type: ignore[arg-type]
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise _down(issuer, say("its keys cannot be read")) from error

    def _ask(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> tuple[int, dict[str, Any]]:
        try:
            answer = self._client.send(method, url, headers=headers, body=body)
        except OutgoingError as error:
            raise _down(self.settings.issuer, str(error)) from error
        if answer.status >= 500:
            raise _down(self.settings.issuer, say("it answers {status}", status=answer.status))
        try:
            content = json.loads(answer.body)
        except ValueError:
            content = None
        if not isinstance(content, dict) or 300 <= answer.status < 400:
            raise _down(self.settings.issuer, say("it does not answer as a provider of OpenID Connect"))
        return answer.status, content


def claims_at(claims: Mapping[str, Any], name: str) -> Any:
    """Return a claim by its name, or by a path of names with dots between them; None: there is none."""
    if not name or name in claims:
        return claims.get(name)
    value: Any = claims
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def open_provider(desk: DeskSettings, *, now: Callable[[], datetime]) -> OidcProvider | None:
    """Return the provider that the settings name; None: they name none.

    Raises:
        ConfigError: everything that is missing.
    """
    return OidcProvider(desk, now=now) if desk.oidc.issuer else None


def _check(desk: DeskSettings) -> str:
    """Return the desk's secret at the provider, "" where there is none."""
    problems = []
    if find_spec("authlib") is None:
        what = say("signing in by OpenID Connect is not installed")
        problems.append(Problem(what=what, to_do=say("pip install 'qareport[sso]'")))
    if not desk.oidc.client_id:
        what = say("is missing")
        problems.append(
            Problem(where="desk.oidc.client_id", what=what, expected=say("what the provider calls the desk"))
        )
    if not desk.oidc.roles:
        expected = say("a role for each group, as leads: supervisor")
        problems.append(Problem(where="desk.oidc.roles", what=say("is empty: nobody could sign in"), expected=expected))
    if not is_encrypted(desk.public_url):
        expected = say("the address of the desk, as https://qa.example.com, which the provider knows")
        problems.append(Problem(where="desk.public_url", what=say("is missing or not encrypted"), expected=expected))
    if problems:
        raise ConfigError(problems)
    place = desk.oidc.client_secret
    try:
        return find_secret(place, where="desk.oidc.client_secret", error=QareportError) if place else ""
    except QareportError as error:
        raise ConfigError(error.problems) from error


def _another() -> SignInError:
    return SignInError(say("this is no answer to a sign-in that began here"), to_do=say("log in once more"))


def _down(issuer: str, reason: object) -> ProviderDownError:
    return ProviderDownError(
        say("the login system {host} cannot be used now: {reason}", host=urlsplit(issuer).netloc, reason=str(reason)),
        to_do=say("try again later, or log in with a local account"),
    )


def _reason(error: Exception) -> str | Message:
    return str(getattr(error, "description", "") or getattr(error, "error", "") or type(error).__name__)[:100]
