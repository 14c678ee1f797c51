"""Who stands between: what proxies, gateways and caches write into heads and error pages."""

from __future__ import annotations

import re

from wsanalyze.websocket.fields import Head

# Fields that only an intermediary adds (RFC 9110 §7.6.3, RFC 7239, and common usage).
FIELDS = (
    "via",
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-server",
    "x-real-ip",
    "x-cache",
    "x-cache-hits",
    "x-cache-lookup",
    "x-varnish",
    "x-served-by",
    "x-squid-error",
    "x-envoy-upstream-service-time",
    "x-envoy-external-address",
    "x-amz-cf-id",
    "x-amz-cf-pop",
    "x-amzn-trace-id",
    "cf-ray",
    "cf-connecting-ip",
    "cf-cache-status",
    "cdn-loop",
    "true-client-ip",
    "x-azure-ref",
    "x-bluecoat-via",
    "x-zscaler-info",
    "proxy-connection",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-status",
)

# Values of Server that name a program which usually stands in front of others.
_SERVERS = re.compile(
    r"(nginx|openresty|envoy|haproxy|cloudflare|squid|varnish|zscaler|awselb|bigip|big-ip|"
    r"istio-envoy|traefik|caddy|ats|apachetrafficserver|cloudfront|akamaighost|google frontend|gws|"
    r"microsoft-azure-application-gateway|bluecoat|mcafee web gateway|fortiweb|litespeed)\b",
    re.IGNORECASE,
)

# What their own error pages say.
_PAGES = (
    (re.compile(rb"<center>(?:nginx|openresty)"), "nginx"),
    (re.compile(rb"<html><body><h1>[45][0-9][0-9] [A-Z][^<]*</h1>\s"), "HAProxy"),
    (re.compile(rb"Generated .* by .*\(squid|<!--\s*X-Squid|squid/[0-9]|ERR_[A-Z_]+"), "Squid"),
    (re.compile(rb"<h1>Error [45][0-9]{2} |Guru Meditation"), "Varnish"),
    (re.compile(rb"cloudflare", re.IGNORECASE), "Cloudflare"),
    (re.compile(rb"<title>(?:502 Proxy Error|503 Service Unavailable)</title>"), "Apache"),
    (re.compile(rb"upstream connect error|no healthy upstream|upstream request timeout"), "Envoy"),
    (re.compile(rb"no such app|herokucdn"), "Heroku"),
    (re.compile(rb"The server encountered a temporary error and could not complete"), "Google"),
)


def signs(head: Head) -> list[str]:
    """Return the fields of a head that an intermediary adds, as `Name: value`, in their order."""
    found = []
    for field in head.fields:
        name = field.name.lower()
        if name in FIELDS or (name == "server" and _SERVERS.match(field.value.strip())):
            found.append(f"{field.name}: {field.value}")
    return found


def program_of(head: Head, body: bytes) -> str | None:
    """Return the intermediary that wrote a response, by its page, Via or Server; None for none.

    A Server such as nginx is a sign, and no proof: many applications are answered by it alone.
    """
    page = page_of(body)
    if page is not None:
        return page
    server = _SERVERS.match((head.value("server") or "").strip())
    if server is not None:
        return server[0]
    via = head.value("via")
    return f"Via {via}" if via else None


def page_of(body: bytes) -> str | None:
    """Return the intermediary whose own error page a response's body is; None for none."""
    return next((name for page, name in _PAGES if page.search(body)), None)


def cache_signs(head: Head) -> list[str]:
    """Return the fields that say a response came out of a cache (RFC 9111 §5.1)."""
    found = []
    age = (head.value("age") or "").strip()
    if age.isdigit() and int(age) > 0:
        found.append(f"Age: {age}")
    for name in ("X-Cache", "CF-Cache-Status", "X-Cache-Lookup"):
        value = head.value(name.lower()) or ""
        if re.match(r"(?:TCP_)?(?:MEM_)?HIT\b", value.strip(), re.IGNORECASE):
            found.append(f"{name}: {value}")
    hits = (head.value("x-cache-hits") or "").strip()
    if hits.isdigit() and int(hits) > 0:
        found.append(f"X-Cache-Hits: {hits}")
    return found
