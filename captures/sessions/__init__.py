"""The sessions, a file for each family; `SESSIONS` maps a capture's name to its session."""

from __future__ import annotations

from recording.stage import Session
from sessions import (
    aiohttp_chat,
    around_the_101,
    browser,
    cuts,
    deflate_parameters,
    deflate_violations,
    faulty_handshakes,
    fragments,
    hidden_contents,
    http2_streams,
    hybi_drafts,
    implementations,
    interference,
    invalid_responses,
    judged_violations,
    network,
    nginx_proxy,
    node_ws,
    oddities,
    old_protocols,
    proxies,
    proxy_tunnels,
    refused_upgrades,
    tunnels,
    unruly_peers,
    websockets_plain,
    wss,
    wss_ways,
)

FAMILIES = (
    websockets_plain,
    deflate_parameters,
    aiohttp_chat,
    node_ws,
    fragments,
    invalid_responses,
    refused_upgrades,
    around_the_101,
    hybi_drafts,
    old_protocols,
    cuts,
    nginx_proxy,
    browser,
    network,
    oddities,
    tunnels,
    implementations,
    proxies,
    judged_violations,
    hidden_contents,
    deflate_violations,
    interference,
    faulty_handshakes,
    unruly_peers,
    wss,
    proxy_tunnels,
    http2_streams,
    wss_ways,
)

SESSIONS: dict[str, Session] = {
    session.name: session for family in FAMILIES for session in family.SESSIONS
}
