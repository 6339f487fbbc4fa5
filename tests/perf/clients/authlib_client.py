"""PyPI's Authlib signs in at A1 as a relying party, and refuses what it must."""

import base64
import os
import re
import sys
import time
from urllib.parse import urljoin

import requests
from authlib.common.security import generate_token
from authlib.integrations.base_client import BaseApp, MismatchingStateError, OAuthError
from authlib.integrations.base_client.sync_app import OAuth2Mixin
from authlib.integrations.base_client.sync_openid import OpenIDMixin
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc6749 import MismatchingStateException
from authlib.oidc.core import CodeIDToken
from joserfc.errors import BadSignatureError, ExpiredTokenError, InvalidClaimError

ISSUER = os.environ.get("HANDSHAKE_A1_URL", "").rstrip("/")
REDIRECT = "http://127.0.0.1:49321/callback"
PERSON = {"username": "test_student_e2e_01", "password": "embedded-password-01"}


class Rp(OAuth2Mixin, OpenIDMixin, BaseApp):
    """Authlib's own relying party, on requests and without a web framework."""

    client_cls = OAuth2Session

    def __init__(self):
        super().__init__(
            framework=None,
            name="a1",
            client_id="harness",
            server_metadata_url=f"{ISSUER}/.well-known/openid-configuration",
            client_kwargs={
                "scope": "openid profile email offline_access",
                "code_challenge_method": "S256",
                "default_timeout": 20,
            },
        )

    def session(self):
        """The library's session, for what the relying party has no method of its own for."""
        return self._get_oauth_client(**self.load_server_metadata())

    def _on_update_token(self, token, refresh_token=None, access_token=None):
        """Nothing is kept here."""


def browse(url):
    """Goes on with a request as a browser would, and gives the address that the login leads to."""
    page = requests.get(url, headers={"accept": "text/html"}, timeout=20)
    action = re.search(r'<form method="post" action="([^"]+)"', page.text)
    nonce = re.search(r'name="form_nonce" value="([^"]+)"', page.text)
    if not action or not nonce:
        raise AssertionError(f"no login form but {page.status_code}: {page.text[:200]}")
    fields = {"form_nonce": nonce[1], **PERSON}
    # Browsers send Secure cookies to this machine without TLS too; the jar of requests would keep them back.
    cookies = page.cookies.get_dict()
    target = urljoin(url, action[1])
    answer = requests.post(target, data=fields, cookies=cookies, allow_redirects=False, timeout=20)
    location = answer.headers.get("location", "")
    if not location.startswith(f"{REDIRECT}?"):
        raise AssertionError(f"the login leads to {location!r} ({answer.status_code})")
    return location


def begin(rp):
    """A request in the making: its URL, state, nonce and verifier; and the address that came back."""
    asked = rp.create_authorization_url(REDIRECT)
    return asked, browse(asked["url"])


def redeem(rp, asked, returned, **instead):
    """Redeems what came back; `instead` replaces some of what belongs to the request."""
    kept = {"state": asked["state"], "code_verifier": asked["code_verifier"], **instead}
    return rp.fetch_access_token(REDIRECT, authorization_response=returned, **kept)


def sign_in(rp):
    asked, returned = begin(rp)
    return asked, returned, redeem(rp, asked, returned)


def flipped(part, at):
    """Flips the lowest bit of one byte of a base64url part."""
    data = bytearray(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    data[at] ^= 1
    return base64.urlsafe_b64encode(bytes(data)).rstrip(b"=").decode()


def equal(what, expected, seen):
    if expected != seen:
        raise AssertionError(f"{what} is {seen!r}, expected {expected!r}")


def refused(kind, needle, attempt):
    """The attempt must fail with an error of this kind that names this."""
    try:
        attempt()
    except kind as error:
        if needle not in f"{getattr(error, 'error', '')} {error}":
            raise AssertionError(f"expected {needle}, saw {error!r}") from error
        return
    raise AssertionError("it was accepted")


CASES = []


def case(title):
    def add(attempt):
        CASES.append((title, attempt))
        return attempt

    return add


@case("discovery, sign-in, signature of the ID token, userinfo")
def _():
    rp = Rp()
    asked, _, tokens = sign_in(rp)
    claims = rp.parse_id_token(tokens, nonce=asked["nonce"])
    equal("iss", ISSUER, claims["iss"])
    equal("aud", "harness", claims["aud"])
    person = rp.userinfo(token=tokens)
    equal("sub at userinfo", claims["sub"], person["sub"])
    equal("the name at userinfo", "Test Student 01", person["name"])


@case("a refresh token gives new tokens, once")
def _():
    rp = Rp()
    _, _, tokens = sign_in(rp)
    first = tokens["refresh_token"]
    renewed = rp.session().refresh_token(refresh_token=first)
    if renewed["refresh_token"] == first:
        raise AssertionError("the refresh token is not replaced")
    rp.parse_id_token(renewed, nonce=None)
    for used in (first, renewed["refresh_token"]):
        refused(OAuthError, "invalid_grant", lambda used=used: rp.session().refresh_token(refresh_token=used))


@case("a code is not redeemed twice (invalid_grant)")
def _():
    rp = Rp()
    asked, returned, _ = sign_in(rp)
    refused(OAuthError, "invalid_grant", lambda: redeem(rp, asked, returned))


@case("a code is not redeemed with another verifier (invalid_grant)")
def _():
    rp = Rp()
    asked, returned = begin(rp)
    refused(OAuthError, "invalid_grant", lambda: redeem(rp, asked, returned, code_verifier=generate_token(48)))


@case("an ID token with a flipped byte in its claims is refused")
def _():
    rp = Rp()
    asked, _, tokens = sign_in(rp)
    head, claims, signature = tokens["id_token"].split(".")
    changed = {**tokens, "id_token": ".".join([head, flipped(claims, 20), signature])}
    refused(BadSignatureError, "bad_signature", lambda: rp.parse_id_token(changed, nonce=asked["nonce"]))


@case("an ID token with a flipped byte in its signature is refused")
def _():
    rp = Rp()
    asked, _, tokens = sign_in(rp)
    head, claims, signature = tokens["id_token"].split(".")
    changed = {**tokens, "id_token": ".".join([head, claims, flipped(signature, 7)])}
    refused(BadSignatureError, "bad_signature", lambda: rp.parse_id_token(changed, nonce=asked["nonce"]))


class AnHourLater(CodeIDToken):
    """The library's validation on a clock that is set ahead."""

    def validate(self, now=None, leeway=0):
        super().validate(now=int(time.time()) + 3600, leeway=leeway)


@case("an expired ID token is refused")
def _():
    rp = Rp()
    asked, _, tokens = sign_in(rp)
    later = {"nonce": asked["nonce"], "claims_cls": AnHourLater}
    refused(ExpiredTokenError, "expired_token", lambda: rp.parse_id_token(tokens, **later))


@case("an ID token with another nonce is refused")
def _():
    rp = Rp()
    _, _, tokens = sign_in(rp)
    refused(InvalidClaimError, "nonce", lambda: rp.parse_id_token(tokens, nonce=generate_token(20)))


@case("an answer with another state is refused")
def _():
    rp = Rp()
    asked, returned = begin(rp)
    mismatch = (MismatchingStateException, MismatchingStateError)
    refused(mismatch, "mismatching_state", lambda: redeem(rp, asked, returned, state=generate_token()))


@case("an access token that is not ours is refused at userinfo (401)")
def _():
    rp = Rp()
    _, _, tokens = sign_in(rp)
    head, claims, signature = tokens["access_token"].split(".")
    forged = {**tokens, "access_token": ".".join([head, claims, flipped(signature, 7)])}
    refused(requests.HTTPError, "401", lambda: rp.userinfo(token=forged))


@case("a service gets a token for its secret, by header and by body, and for no other")
def _():
    endpoint = f"{ISSUER}/oidc/token"
    for method in ("client_secret_basic", "client_secret_post"):
        def service(secret, method=method):
            client = OAuth2Session("harness-service", secret, token_endpoint_auth_method=method, default_timeout=20)
            return client.fetch_token(endpoint, grant_type="client_credentials")

        equal("the type of the token", "Bearer", service("embedded-secret-harness-service")["token_type"])
        refused(OAuthError, "invalid_client", lambda service=service: service("wrong"))


def main():
    if not ISSUER:
        print("FAILED: the script is told where A1 is: set HANDSHAKE_A1_URL")
        return 1
    failed = 0
    for title, attempt in CASES:
        try:
            attempt()
            print(f"ok: {title}", flush=True)
        except Exception as error:  # noqa: BLE001: whatever went wrong is this case's result
            failed += 1
            why = " ".join(f"{type(error).__name__}: {error}".split())
            print(f"FAILED: {title}: {why}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
