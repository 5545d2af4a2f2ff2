"""An SMTP server. Its argument is a JSON object of settings; each line that it prints is one of what happened.

host, port: where it listens, by default 127.0.0.1 and any; security: none, starttls or tls; certificate, key: files;
user, password: who may send; smtputf8: whether it takes addresses that are not ASCII; greeting: what it says at first
instead of its greeting, or "hang"; repeated: whether it says that without an end; injected: what somebody on the way
adds to its answer to STARTTLS.
The local part of a recipient's address says what becomes of a mail: refused, unauthorized, deferred-once, hangs; others
are taken.
"""

import asyncio
import email
import email.policy
import json
import logging
import ssl
import sys
from html.parser import HTMLParser

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

# It logs users without TLS and clients that do not trust it, which the tests have.
logging.disable(logging.CRITICAL)

SETTINGS = json.loads(sys.argv[1])
SEEN = set()


def report(**event):
    print(json.dumps(event), flush=True)


class Links(HTMLParser):
    """The `a` elements of a page: their attributes and their texts."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.is_inside = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag == "a":
            self.found.append({**dict(attrs), "text": ""})
            self.is_inside = True

    def handle_endtag(self, tag):
        if tag == "a":
            self.is_inside = False

    def handle_data(self, data):
        if self.is_inside:
            self.found[-1]["text"] += data


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        local = address.rpartition("@")[0]
        if local == "refused":
            report(event="refused")
            return "550 5.1.1 no such user <%s>" % address
        if local == "unauthorized":
            report(event="unauthorized")
            return "530 5.7.0 authentication required"
        if local == "deferred-once" and address not in SEEN:
            SEEN.add(address)
            report(event="deferred")
            return "451 4.7.1 try later <%s>" % address
        if local == "hangs":
            report(event="hangs")
            await asyncio.sleep(3600)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        text = message.get_content()
        report(
            event="mail",
            sender=envelope.mail_from,
            recipients=envelope.rcpt_tos,
            user=session.auth_data.login.decode() if session.auth_data else None,
            encrypted=server.transport.get_extra_info("sslcontext") is not None,
            parts=[part.get_content_type() for part in message.walk()],
            headers={name: str(value) for name, value in message.items()},
            raw_content_type=email.message_from_bytes(envelope.content)["Content-Type"],
            charset=message.get_content_charset(),
            text=text,
            links=Links(text).found,
        )
        return "250 OK"


class Injected(SMTP):
    async def push(self, status):
        if status.startswith("220 Ready to start TLS"):
            status += "\r\n" + SETTINGS["injected"]
        await super().push(status)


def authenticate(server, session, envelope, mechanism, data):
    expected = (SETTINGS["user"].encode(), SETTINGS["password"].encode())
    is_right = isinstance(data, LoginPassword) and (data.login, data.password) == expected
    report(event="authenticated" if is_right else "not authenticated")
    return AuthResult(success=is_right, handled=is_right, auth_data=data if is_right else None)


def session(context):
    options = {"hostname": "test", "enable_SMTPUTF8": SETTINGS.get("smtputf8", True)}
    if SETTINGS["security"] == "starttls":
        options.update(tls_context=context, require_starttls=True)
    if "user" in SETTINGS:
        # The library takes TLS from the start for none.
        is_starttls = SETTINGS["security"] == "starttls"
        options.update(authenticator=authenticate, auth_required=True, auth_require_tls=is_starttls)
    return (Injected if "injected" in SETTINGS else SMTP)(Handler(), **options)


async def instead_of_greeting(reader, writer):
    report(event="connected")
    if SETTINGS["greeting"] == "hang":
        await asyncio.sleep(3600)
    if SETTINGS.get("repeated"):
        await repeat(writer, SETTINGS["greeting"].encode() * 1000)
        return
    writer.write(SETTINGS["greeting"].encode() + b"\r\n")
    await writer.drain()
    writer.close()


async def repeat(writer, greeting):
    sent = 0
    try:
        while True:
            writer.write(greeting)
            await writer.drain()
            sent += len(greeting)
    except ConnectionError:
        report(event="cut off", sent=sent)


async def main():
    context = None
    if SETTINGS["security"] != "none":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(SETTINGS["certificate"], SETTINGS["key"])
    host, port = SETTINGS.get("host", "127.0.0.1"), SETTINGS.get("port", 0)
    if "greeting" in SETTINGS:
        server = await asyncio.start_server(instead_of_greeting, host, port)
    else:
        from_start = context if SETTINGS["security"] == "tls" else None
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: session(context), host, port, ssl=from_start)
    report(event="listening", port=server.sockets[0].getsockname()[1])
    await server.serve_forever()


asyncio.run(main())
