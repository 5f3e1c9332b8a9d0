from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
import stand_in_api
from stand_in_api import StandInAPI

REQUEST = {
    "model": "some-model",
    "stream": True,
    "messages": [{"role": "user", "content": "Hi you"}],
}


def post(url: str, timeout: float = 30) -> Any:
    """Send one streaming request; return the response while it goes on."""
    request = urllib.request.Request(  # noqa: S310
        f"{url}/v1/messages?beta=true", data=json.dumps(REQUEST).encode()
    )
    return urllib.request.urlopen(request, timeout=timeout)  # noqa: S310


def events(response: Any) -> Iterator[dict[str, Any]]:
    """Yield the data of each server-sent event as it comes."""
    for line in response:
        if line.startswith(b"data: "):
            yield json.loads(line.removeprefix(b"data: "))


def test_answer_streams_the_prompt_back(api: StandInAPI) -> None:
    """The stream has the events of the Messages API, in their order, and ends."""
    with post(api.url) as response:
        assert response.headers["Content-Type"] == "text/event-stream"
        received = list(events(response))
    kinds = [event["type"] for event in received]
    assert kinds[:2] == ["message_start", "content_block_start"]
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    deltas = [event["delta"]["text"] for event in received[2:-3]]
    assert len(deltas) > 1
    assert "".join(deltas) == "Stand-in answer to: Hi you"


def test_slow_pauses_after_each_word(api: StandInAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first word is there long before the last."""
    monkeypatch.setattr(stand_in_api, "SLOW_DELAY", 0.1)
    api.mode = "slow"
    with post(api.url) as response:
        times = [time.monotonic() for event in events(response) if "delta" in event]
    assert times[-1] - times[0] > 0.4


def test_silent_takes_the_request_and_never_answers(api: StandInAPI) -> None:
    """The connection stands, without a byte of an answer."""
    api.mode = "silent"
    with pytest.raises(TimeoutError):
        post(api.url, timeout=0.5)
    assert len(api.requests) == 1


def test_error_answers_500(api: StandInAPI) -> None:
    """The body is an error of the Messages API."""
    api.mode = "error"
    with pytest.raises(urllib.error.HTTPError) as caught:
        post(api.url)
    with caught.value as error:
        assert error.code == 500
        assert json.load(error)["error"]["type"] == "api_error"


def test_it_runs_on_its_own() -> None:
    """The script prints what to set, and serves."""
    with subprocess.Popen(
        [sys.executable, stand_in_api.__file__], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout
            url = process.stdout.readline().split()[0].removeprefix("ANTHROPIC_BASE_URL=")
            with post(url) as response:
                assert "message_stop" in [event["type"] for event in events(response)]
        finally:
            process.terminate()


@pytest.mark.parametrize("arguments", [["--port", "65536"], ["--port", "x"], ["shout"]])
def test_bad_arguments_are_refused(arguments: list[str]) -> None:
    """Exit 2 and no traceback."""
    done = subprocess.run(
        [sys.executable, stand_in_api.__file__, *arguments],
        stderr=subprocess.PIPE,
        check=False,
        text=True,
        timeout=30,
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
