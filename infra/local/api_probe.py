"""What the running API says about itself and answers to one listener, as the demo and the health watch need it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import httpx

from segue.errors import Unavailable

TIMEOUT_S = 10.0
START_TIMEOUT_S = 90.0
POLL_S = 0.1


class ApiUnavailable(Unavailable):
    """The API does not answer, or not with what it should."""

    service = "api"


@dataclass(frozen=True)
class Readiness:
    """`ready`: it can answer recommendations. `model` is None until one has been promoted."""

    ready: bool
    tracks: int
    model: str | None


@dataclass(frozen=True)
class Recommendation:
    """One listener's list: titles in order, best first; `model` None when the popular tracks stood in."""

    titles: list[str]
    model: str | None


class ApiProbe:
    """A client of one API. Every method raises ApiUnavailable."""

    def __init__(self, base_url: str) -> None:
        self._client = httpx.Client(base_url=base_url, timeout=TIMEOUT_S, trust_env=False)

    def readiness(self) -> Readiness:
        """What `/readyz` says, whether that is yes or no."""
        answer = self._request("GET", "/readyz", None, allowed=(200, 503))
        try:
            found = answer.json()["dependencies"]
            return Readiness(answer.status_code == 200, int(found["catalogue"]["tracks"]), found["model"]["version"])
        except (ValueError, KeyError, TypeError) as error:
            raise ApiUnavailable(f"/readyz answered {answer.status_code} with something unexpected") from error

    def wait(self, timeout_s: float) -> bool:
        """Wait until it answers at all; False if it has not by then."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            try:
                self.readiness()
            except ApiUnavailable:
                time.sleep(POLL_S)
            else:
                return True
        return False

    def recommend(self, user_id: str, n: int) -> Recommendation:
        """The best `n` tracks for a listener now."""
        answer = self._request("POST", "/recommend/user/", {"user_id": user_id, "n": n}, allowed=(200,))
        try:
            found = answer.json()
            return Recommendation([_title(item) for item in found["items"]], found.get("model_version"))
        except (ValueError, KeyError, TypeError) as error:
            raise ApiUnavailable("/recommend/user/ answered with something unexpected") from error

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _request(self, method: str, path: str, body: dict[str, Any] | None, allowed: tuple[int, ...]) -> httpx.Response:
        try:
            answer = self._client.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise ApiUnavailable(f"the API does not answer {path} ({type(error).__name__})") from error
        if answer.status_code not in allowed:
            raise ApiUnavailable(f"{path} answered {answer.status_code}: {answer.text[:200]}")
        return answer


def _title(item: dict[str, Any]) -> str:
    artists = item["artists"]
    return f"{item['name']} – {artists if isinstance(artists, str) else ', '.join(artists)}"
