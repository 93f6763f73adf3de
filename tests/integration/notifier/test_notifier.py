"""The whole notifier on a real Redis, a real SMTP server and real HTTP."""

from __future__ import annotations

import asyncio
import datetime as dt
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import pytest
import redis
from fastapi import FastAPI
from pydantic import SecretStr

from cli.embedded_redis import free_port
from services.notifier.adapters.smtp import message_id
from services.notifier.bootstrap import Notifier, build
from services.notifier.domain.outbox import Posting
from services.notifier.ports import OUTBOX
from services.notifier.settings import NotifierSettings, SmtpSettings
from shared.bus import Outcome, Publication, Put
from shared.bus.redis_bus import RedisBus
from shared.clock import ManualClock
from shared.contracts import streams
from shared.settings import HttpSettings, RedisSettings
from tests.integration.notifier.servers import Inbox, plain_server
from tests.unit.notifier.facts import AT, a_feed_change, a_halt, a_plan, a_rebalance, a_signal, an_alert

TOKEN = "t" * 32
FROM = "bot@example.org"

apprise_loads_what_python_deprecates = pytest.mark.filterwarnings("ignore:'imghdr':DeprecationWarning")


class Client:
    """Asks an app over HTTP, without a port."""

    def __init__(self, app: FastAPI) -> None:
        self._transport = httpx.ASGITransport(app)

    def request(self, method: str, path: str, **given: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(transport=self._transport, base_url="http://notifier") as client:
                return await client.request(method, path, **given)

        return asyncio.run(ask())

    def get(self, path: str, **given: Any) -> httpx.Response:
        return self.request("GET", path, **given)

    def post(self, path: str, **given: Any) -> httpx.Response:
        return self.request("POST", path, **given)


class House:
    """A notifier whose server's port, clock and Redis the test holds."""

    def __init__(self, url: str, namespace: str, *, chat: str | None = None) -> None:
        self.port, self.clock, self.namespace, self.url = free_port(), ManualClock(AT), namespace, url
        self.client = redis.Redis.from_url(url)
        self.bus = RedisBus(self.client, namespace)
        self.chat = chat

    def notifier(self) -> Notifier:
        smtp = SmtpSettings(
            host="127.0.0.1", port=self.port, security="none", NOTIFIER_SMTP_FROM=FROM, to=("me@example.org",)
        )
        return build(
            RedisSettings(redis_url=self.url, namespace=self.namespace),
            HttpSettings(http_token=SecretStr(TOKEN)),
            smtp,
            NotifierSettings(chat_urls=None if self.chat is None else SecretStr(self.chat)),
            clock=self.clock,
        )


@pytest.fixture
def house(redis_url: str, namespace: str) -> Iterator[House]:
    house = House(redis_url, namespace)
    yield house
    house.client.close()


@pytest.fixture
def inbox(house: House) -> Iterator[Inbox]:
    """A server that is there from the start."""
    inbox = Inbox()
    server = plain_server(inbox, house.port)
    server.start()
    yield inbox
    server.stop()


def test_a_rebalance_becomes_one_mail(house: House, inbox: Inbox) -> None:
    house.bus.publish(streams.EXECUTION, a_plan(), a_rebalance())
    house.bus.publish(streams.SIGNALS, a_signal("NUCLEAR"), a_signal("TECL"))
    house.notifier().desk.turn()
    [mail] = inbox.mails
    body = mail.get_body(("plain",))
    assert body is not None
    text = body.get_content()
    for expected in ("Why NUCLEAR", "Why TECL", "BUY LEU   400 of 442", "no longer wanted", "c0ffee"):
        assert expected in text


def test_alerts_of_every_service_and_halts_become_mails(house: House, inbox: Inbox) -> None:
    for source in ("marketdata", "strategy", "execution"):
        house.bus.publish(streams.alerts_of(source), an_alert(source=source))
    house.bus.publish(streams.EXECUTION, a_halt())
    house.notifier().desk.turn()
    assert len(inbox.mails) == 4


def test_a_turn_without_news_sends_nothing_again(house: House, inbox: Inbox) -> None:
    notifier = house.notifier()
    house.bus.publish(streams.alerts_of("execution"), an_alert())
    for _ in range(3):
        notifier.desk.turn()
    assert len(inbox.mails) == 1


def test_a_server_that_is_down_loses_nothing_and_gets_the_mail_when_it_is_up(house: House) -> None:
    house.bus.publish(streams.alerts_of("execution"), an_alert(id="m1"))
    notifier = house.notifier()
    notifier.desk.turn()
    client = Client(notifier.app)
    assert client.get("/ready").status_code == 503
    [waiting] = client.get("/messages").json()
    assert (waiting["result"], waiting["attempts"]) == ("waiting", 1)
    assert "ConnectionRefusedError" in waiting["detail"]

    inbox = Inbox()
    server = plain_server(inbox, house.port)
    server.start()
    try:
        again = house.notifier()  # another life: what waits stands in Redis
        again.desk.turn()
        assert inbox.mails == []  # its wait is not over
        house.clock.advance(dt.timedelta(seconds=2))
        again.desk.turn()
    finally:
        server.stop()
    assert [mail["Message-ID"] for mail in inbox.mails] == [message_id("m1", FROM)]
    [sent] = Client(again.app).get("/messages").json()
    assert (sent["result"], sent["attempts"]) == ("sent", 2)
    assert Client(again.app).get("/ready").status_code == 200


def test_an_unknown_outcome_is_sent_again_under_the_same_message_id(house: House, inbox: Inbox) -> None:
    inbox.hang_up = True
    house.bus.publish(streams.alerts_of("execution"), an_alert(id="m1"))
    notifier = house.notifier()
    notifier.desk.turn()
    inbox.hang_up = False
    house.clock.advance(dt.timedelta(seconds=2))
    notifier.desk.turn()
    assert [mail["Message-ID"] for mail in inbox.mails] == [message_id("m1", FROM)] * 2


def test_a_letter_cut_off_by_a_crash_goes_out_in_the_next_life(house: House, inbox: Inbox) -> None:
    house.bus.publish(streams.alerts_of("execution"), an_alert(id="m1"))
    house.notifier().desk.runner.step()
    [(key, raw)] = house.bus.get_all(OUTBOX).items()
    in_flight = Posting.model_validate_json(raw).tried()
    house.bus.commit(Outcome(changes=(Put(OUTBOX, key, in_flight.model_dump_json()),)))
    house.notifier().desk.turn()
    assert [mail["Message-ID"] for mail in inbox.mails] == [message_id("m1", FROM)]
    assert house.bus.get_all(OUTBOX) == {}


def test_a_letter_nobody_takes_for_days_is_given_up_and_says_so(house: House) -> None:
    house.bus.publish(streams.alerts_of("execution"), an_alert())
    notifier = house.notifier()
    notifier.desk.turn()
    house.clock.advance(dt.timedelta(hours=73))
    notifier.desk.turn()
    [record] = Client(notifier.app).get("/messages").json()
    assert record["result"] == "given up"
    assert house.bus.get_all(OUTBOX) == {}


def test_a_broken_message_becomes_a_dead_letter_and_stops_nobody(house: House, inbox: Inbox) -> None:
    key = house.bus.key(streams.EXECUTION)
    house.client.xadd(key, {"kind": "execution.rebalance_completed.v1", "data": '{"cash_gap": "NaN"}'})
    house.client.xadd(key, {"nonsense": b"\xff\xfe"})
    house.bus.publish(streams.EXECUTION, a_halt())
    house.notifier().desk.turn()
    assert [mail["Subject"] for mail in inbox.mails] == ["[simulated] Trading HALTED: daily loss limit"]
    letters = house.bus.dead_letters()
    assert len(letters) == 2
    assert "cash_gap" in letters[0].error


def test_repeated_alerts_are_one_mail_and_one_count(house: House, inbox: Inbox) -> None:
    house.bus.publish(streams.alerts_of("execution"), *(an_alert() for _ in range(20)))
    notifier = house.notifier()
    notifier.desk.turn()
    house.clock.advance(dt.timedelta(minutes=5))
    notifier.desk.turn()
    subjects = [mail["Subject"] for mail in inbox.mails]
    assert len(subjects) == 2
    assert "19 more times" in subjects[1]


def test_a_change_of_the_feed_and_the_alert_about_it_are_one_mail(house: House, inbox: Inbox) -> None:
    """Marketdata commits both at once; the alert says more."""
    alert = an_alert(source="marketdata", title="Quotes come by REST polling")
    facts = (
        Publication(streams.FEED_STATUS, a_feed_change("degraded")),
        Publication(streams.alerts_of("marketdata"), alert),
    )
    house.bus.commit(Outcome(facts))
    house.notifier().desk.turn()
    assert [mail["Subject"] for mail in inbox.mails] == ["[simulated] WARNING: Quotes come by REST polling"]


def test_the_test_endpoint_wants_the_token_and_sends_a_mail(house: House, inbox: Inbox) -> None:
    notifier = house.notifier()
    client = Client(notifier.app)
    assert client.post("/test").status_code == 401
    assert client.post("/test", headers={"Authorization": "Bearer wrong"}).status_code == 401
    answer = client.post("/test", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 202
    notifier.desk.turn()
    assert [mail["Subject"] for mail in inbox.mails] == ["[simulated] Test message"]
    [record] = client.get("/messages").json()
    assert record["id"] == answer.json()["id"]


@pytest.mark.parametrize("limit", ["0", "201", "many"])
def test_a_limit_that_is_none_is_named(house: House, limit: str) -> None:
    answer = Client(house.notifier().app).get("/messages", params={"limit": limit})
    assert answer.status_code == 422
    assert answer.json()["faults"][0]["field"] == "query.limit"


def test_the_common_face_is_there(house: House) -> None:
    client = Client(house.notifier().app)
    for path in ("/health", "/ready", "/metrics", "/docs"):
        assert client.get(path).status_code == 200, path


@apprise_loads_what_python_deprecates
def test_a_chat_room_gets_a_short_form_of_its_own(redis_url: str, namespace: str, inbox: Inbox, house: House) -> None:
    heard: list[bytes] = []

    class Room(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Room)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        house.chat = f"json://127.0.0.1:{server.server_port}/room"
        house.bus.publish(streams.EXECUTION, a_rebalance())
        house.notifier().desk.turn()
    finally:
        server.shutdown()
        server.server_close()
    assert b"Cash identity: exact to the cent" in heard[0]
    assert len(inbox.mails) == 1


@apprise_loads_what_python_deprecates
def test_a_chat_room_that_is_down_keeps_no_mail_back(house: House, inbox: Inbox) -> None:
    house.chat = f"json://:s3cret@127.0.0.1:{free_port()}/room"
    house.bus.publish(streams.EXECUTION, a_rebalance())
    notifier = house.notifier()
    notifier.desk.turn()
    assert len(inbox.mails) == 1
    [record, _] = sorted(Client(notifier.app).get("/messages").json(), key=lambda r: r["channel"])
    assert (record["channel"], record["result"]) == ("chat-1", "waiting")
    assert "s3cret" not in str(record)
