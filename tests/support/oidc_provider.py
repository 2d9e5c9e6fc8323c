"""A provider of OpenID Connect on loopback: Authlib's own server, which insists on PKCE and on the client's secret."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

import flask
from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import grants
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import OpenIDCode
from authlib.oidc.core.util import create_half_hash
from joserfc.jwk import KeySet, RSAKey
from joserfc.jwt import encode
from werkzeug.serving import make_server

CLIENT_ID, CLIENT_SECRET = "desk", "of the desk"


@dataclass
class Person:
    """Who logs in at the provider."""

    sub: str

    def get_user_id(self) -> str:
        return self.sub


@dataclass
class Client:
    """The desk, as the provider knows it."""

    redirect: str
    client_id: str = CLIENT_ID

    def get_client_id(self) -> str:
        return self.client_id

    def get_default_redirect_uri(self) -> str:
        return self.redirect

    def get_allowed_scope(self, scope: str) -> str:
        return scope

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri == self.redirect

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == CLIENT_SECRET

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == "client_secret_basic"

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


@dataclass
class Code:
    """What the browser carries to the desk."""

    code: str
    data: dict[str, str]
    sub: str

    def get_redirect_uri(self) -> str:
        return self.data["redirect_uri"]

    def get_scope(self) -> str:
        return self.data["scope"]

    def get_nonce(self) -> str | None:
        return self.data.get("nonce")

    def get_auth_time(self) -> int:
        return int(time.time())

    def get_acr(self) -> None:
        return None

    def get_amr(self) -> None:
        return None

    @property
    def code_challenge(self) -> str | None:
        return self.data.get("code_challenge")

    @property
    def code_challenge_method(self) -> str | None:
        return self.data.get("code_challenge_method")


@dataclass
class Provider:
    """A provider that runs: who logs in there next, and what is wrong with it."""

    redirect: str
    address: str = ""
    #: Claims of who logs in there next; None: they give up.
    claims: dict[str, Any] | None = None
    #: Claims that are told at the userinfo endpoint alone.
    further: dict[str, Any] = field(default_factory=dict)
    #: What its tokens say otherwise than they should.
    wrong: dict[str, Any] = field(default_factory=dict)
    #: Whether tokens are signed by a key that it does not publish.
    foreign_key: bool = False
    #: Seconds that its clock is ahead.
    ahead_s: int = 0
    key: RSAKey = field(
        default_factory=lambda: RSAKey.generate_key(2048, {"kid": "first", "use": "sig", "alg": "RS256"})
    )
    codes: dict[str, Code] = field(default_factory=dict)
    #: Scopes and PKCE method of the last request.
    asked: dict[str, str] = field(default_factory=dict)

    def log_in(self, address: str) -> dict[str, str]:
        """Log in there as a browser does that was sent to an address; return what it is sent back with."""
        import httpx2

        answer = httpx2.get(address, trust_env=False)
        assert answer.status_code == 302, answer.text
        back = urlsplit(answer.headers["location"])
        assert f"{back.scheme}://{back.netloc}{back.path}" == self.redirect
        return dict(parse_qsl(back.query))


def _app(provider: Provider) -> flask.Flask:
    app = flask.Flask("provider")
    client = Client(redirect=provider.redirect)
    server = AuthorizationServer(
        app, query_client=lambda client_id: client if client_id == CLIENT_ID else None, save_token=lambda *_: None
    )

    class CodeGrant(grants.AuthorizationCodeGrant):  # type: ignore[misc]
        TOKEN_ENDPOINT_AUTH_METHODS: ClassVar = ["client_secret_basic"]

        def save_authorization_code(self, code: str, request: Any) -> None:
            provider.codes[code] = Code(code, dict(request.payload.data), request.user.sub)

        def query_authorization_code(self, code: str, client: Client) -> Code | None:
            return provider.codes.get(code)

        def delete_authorization_code(self, authorization_code: Code) -> None:
            del provider.codes[authorization_code.code]

        def authenticate_user(self, authorization_code: Code) -> Person:
            return Person(authorization_code.sub)

    class IdToken(OpenIDCode):  # type: ignore[misc]
        def exists_nonce(self, nonce: str, request: Any) -> bool:
            return False

        def encode_id_token(self, token: Any, request: Any) -> str:
            at_hash = create_half_hash(token["access_token"], "RS256").decode()
            return _id_token(provider, nonce=request.authorization_code.get_nonce(), at_hash=at_hash)

    server.register_grant(CodeGrant, [IdToken(require_nonce=True), CodeChallenge(required=True)])

    @app.get("/.well-known/openid-configuration")
    def metadata() -> Any:
        names = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "jwks"}
        names["userinfo_endpoint"] = "userinfo"
        return {"issuer": provider.address} | {name: f"{provider.address}/{path}" for name, path in names.items()}

    @app.get("/jwks")
    def jwks() -> Any:
        return KeySet([provider.key]).as_dict(private=False)

    @app.get("/authorize")
    def authorize() -> Any:
        provider.asked = dict(flask.request.args)
        person = Person(str(provider.claims["sub"])) if provider.claims is not None else None
        grant = server.get_consent_grant(end_user=person)
        return server.create_authorization_response(grant=grant, grant_user=person)

    @app.post("/token")
    def token() -> Any:
        return server.create_token_response()

    @app.get("/userinfo")
    def userinfo() -> Any:
        return {"sub": (provider.claims or {}).get("sub"), **provider.further}

    return app


def _id_token(provider: Provider, **bound: str) -> str:
    now = int(time.time()) + provider.ahead_s
    claims = {
        "iss": provider.address, "aud": CLIENT_ID, "iat": now, "exp": now + 300, **bound,
        **(provider.claims or {}), **provider.wrong,
    }  # fmt: skip
    key = RSAKey.generate_key(2048, {"kid": "first"}) if provider.foreign_key else provider.key
    return encode({"alg": "RS256", "kid": str(key.kid)}, claims, key)


@contextmanager
def oidc_provider(redirect: str) -> Iterator[Provider]:
    """Run a provider whose only client is sent back to an address."""
    provider = Provider(redirect=redirect)
    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
    server = make_server("127.0.0.1", 0, _app(provider), threaded=True)
    provider.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        del os.environ["AUTHLIB_INSECURE_TRANSPORT"]
