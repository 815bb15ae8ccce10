"""Logging in at the Observation Portal or at a provider of OpenID Connect: an authorization code, with PKCE.

OAuth 2 is RFC 6749 and RFC 7636; what is checked of an ID token is OpenID Connect Core 1.0, 3.1.3.7.
"""

import secrets
import time
from dataclasses import dataclass
from typing import Any

from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from app.config import AppConfig
from app.errors import NotLoggedIn
from app.portal.client import Portal, UnusableError, fetch_json, fetch_profile, load_profile
from app.portal.schemas import ClaimsSchema, Profile

OAUTH_SCOPE, OIDC_SCOPE = "read", "openid profile"
#: Signatures that nobody can make who only knows what the provider publishes.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
CLOCK_LEEWAY_S = 60


@dataclass(frozen=True)
class Attempt:
    """A log-in under way: what the browser keeps until it comes back."""

    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True)
class Provider:
    """Where users log in. Only a provider of OpenID Connect has an issuer."""

    authorize_url: str
    token_url: str
    profile_url: str
    issuer: str = ""
    jwks_url: str = ""


class LogIn:
    """How users log in, as the settings say."""

    def __init__(self, config: AppConfig) -> None:
        self._config = config
        urls = config.oauth_authorize_url, config.oauth_token_url, config.oauth_profile_url
        self._provider = None if config.oidc_discovery_url else Provider(*urls)

    def begin(self, portal: Portal, redirect_uri: str) -> tuple[str, Attempt]:
        """Return the address to which the browser goes, and what it keeps.

        Raises
        ------
        PortalAwayError
            If a provider does not say which address that is.
        """
        attempt = Attempt(*(secrets.token_urlsafe(32) for _ in range(3)))
        provider = self._provider or self._ask_for_provider(portal)
        with self._open_session(redirect_uri) as session:
            options = {"state": attempt.state, "code_verifier": attempt.verifier}
            nonce = {"nonce": attempt.nonce} if provider.issuer else {}
            address, _ = session.create_authorization_url(provider.authorize_url, **options, **nonce)
        return str(address), attempt

    def finish(self, portal: Portal, redirect_uri: str, attempt: Attempt, code: str) -> Profile:
        """Return who has logged in.

        Raises
        ------
        PortalAwayError
            If the portal does not say so in time.
        NotLoggedIn
            If it does not take the code.
        """

        def exchange(deadline: float) -> Profile | None:
            provider = self._find_provider(deadline)
            token = self._fetch_token(provider, redirect_uri, attempt, code, deadline)
            if provider.issuer:
                return self._read_claims(provider, token, attempt, deadline)
            return fetch_profile(provider.profile_url, _bearer(token), deadline)

        try:
            with portal.turns.take():
                profile = portal.ask(exchange)
        except (OAuthError, JoseError):
            profile = None
        if profile is None:
            raise NotLoggedIn("The Observation Portal does not confirm this log-in. Please try again.")
        return profile

    def _open_session(self, redirect_uri: str) -> Any:
        is_oidc = bool(self._config.oidc_discovery_url)
        return OAuth2Session(
            self._config.oauth_client_id,
            self._config.oauth_client_secret or None,
            scope=OIDC_SCOPE if is_oidc else OAUTH_SCOPE,
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
        )

    def _find_provider(self, deadline: float) -> Provider:
        """Return the portal of the settings, or the provider as it describes itself, which is asked once."""
        if self._provider is None:
            self._provider = _read_provider(fetch_json(self._config.oidc_discovery_url, deadline))
        return self._provider

    def _ask_for_provider(self, portal: Portal) -> Provider:
        with portal.turns.take():
            return portal.ask(self._find_provider)

    def _fetch_token(
        self, provider: Provider, redirect_uri: str, attempt: Attempt, code: str, deadline: float
    ) -> dict[str, Any]:
        timeout_s = max(0.001, deadline - time.monotonic())
        with self._open_session(redirect_uri) as session:
            try:
                token: dict[str, Any] = session.fetch_token(
                    provider.token_url,
                    code=code,
                    code_verifier=attempt.verifier,
                    timeout=timeout_s,
                    allow_redirects=False,  # the code and the secret are for nobody else
                )
            except ValueError:
                raise UnusableError("its answer to a code is no JSON") from None
        return token

    def _read_claims(self, provider: Provider, token: dict[str, Any], attempt: Attempt, deadline: float) -> Profile:
        """Read the ID token, and what only the provider's userinfo says."""
        claims = self._check_id_token(provider, token, attempt, deadline)
        told = fetch_json(provider.profile_url, deadline, _bearer(token))
        if isinstance(told, dict) and told.get("sub") == claims["sub"]:
            claims = told | claims
        return load_profile(ClaimsSchema(), claims | {"proposals": claims.get(self._config.oidc_proposals_claim)})

    def _check_id_token(
        self, provider: Provider, token: dict[str, Any], attempt: Attempt, deadline: float
    ) -> dict[str, Any]:
        claims = _read_signed(str(token.get("id_token")), fetch_json(provider.jwks_url, deadline))
        client_id = self._config.oauth_client_id
        has_others = isinstance(claims.get("aud"), list) and len(claims["aud"]) > 1
        jwt.JWTClaimsRegistry(
            leeway=CLOCK_LEEWAY_S,
            iss={"essential": True, "value": provider.issuer},
            sub={"essential": True},
            aud={"essential": True, "value": client_id},
            azp={"essential": has_others, "value": client_id},
            exp={"essential": True},
            nonce={"essential": True, "value": attempt.nonce},
        ).validate(claims)
        return claims


def _read_provider(said: Any) -> Provider:
    names = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "issuer", "jwks_uri")
    if not isinstance(said, dict) or not all(isinstance(said.get(name), str) for name in names):
        raise UnusableError(f"what stands at OIDC_DISCOVERY_URL lacks one of {', '.join(names)}")
    return Provider(*(said[name] for name in names))


def _read_signed(id_token: str, published_keys: Any) -> dict[str, Any]:
    """Return the claims of an ID token that the provider has signed."""
    try:
        keys = KeySet.import_key_set(published_keys)
    except (JoseError, KeyError, TypeError, ValueError):
        raise UnusableError("what stands at its jwks_uri is no set of keys") from None
    return jwt.decode(id_token, keys, algorithms=ALGORITHMS).claims


def _bearer(token: dict[str, Any]) -> str:
    return f"Bearer {token.get('access_token', '')}"
