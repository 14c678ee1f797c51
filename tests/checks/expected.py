"""What is wrong in recorded captures, as somebody would say who knows how each was made.

`FOUND` has, for each capture, the checks of severity error and warning that must find something on
a connection, by the connection's number; on every other connection there must be none. `None`
stands for the capture itself.
"""

from __future__ import annotations

# A request whose Upgrade a proxy took away, as it arrives behind the proxy.
STRIPPED = "PRX-01"

FOUND: dict[str, dict[int | None, str]] = {
    # Only what these implementations really do: gevent-websocket puts text where the Close has its
    # code, Mojolicious makes its keys of digits and closes TCP before the server does.
    "implementations.pcapng": {
        6: "CLS-02",  # /gevent
        17: "CLS-09 SEC-06",  # /from-mojolicious
    },
    # What these libraries do by themselves: gorilla's keys are of Go's math/rand, which starts
    # in the same way in each process; Beast's come again after 16; libwebsockets and Qt close TCP
    # behind their Close, and the answer to it meets a closed socket.
    "native-implementations.pcapng": {
        0: "SEC-08",  # the clients of gorilla, up to 9
        **dict.fromkeys((*range(1, 10), 29, 34), "SEC-08 SEC-18"),
        32: "CLS-09",  # /websocketpp-to-libwebsockets-told
        33: "CLS-09",  # /beast-to-qt-told
        35: "SEC-07",  # /beast-to-websocketpp-long, the one of Beast with so many frames
        39: "CLS-09",  # /qt-to-gorilla
        43: "CLS-09",  # /qt-to-beast
        47: "CLS-09",  # /qt-to-websocketpp
    },
    # Legs in front of the proxy, behind which the same keys are no others.
    "forked-clients.pcapng": {2: "SEC-18", 4: "SEC-18", 6: "SEC-18"},
    "http-behind-upgrade.pcapng": {
        0: "FRM-13",  # /pooled: a request of the client; both legs
        1: "FRM-13",
        2: "FRM-13",  # /answered: a response of the server
        3: "FRM-13",
    },
    # The old versions alone; all certificates are their own issuers', which is a remark.
    "wss-suites.pcapng": {16: "TLS-01", 17: "TLS-01"},
    # Static RSA is a remark, TLS 1.0 is not.
    "wss-rsa.pcapng": {6: "TLS-01"},
    "wss-finite-field.pcapng": {9: "TLS-01", 10: "TLS-01"},
    "wss-records.pcapng": {3: "TLS-01", 4: "TLS-01"},  # /empty-fragments, twice
    "wss-implementations.pcapng": {},
    "wss-http2.pcapng": {},
    "wss-http2-chromium.pcapng": {},
    # Node's process exits at the page's last request, while Firefox still says something.
    "wss-firefox.pcapng": {2: "CLS-09"},
    # The clients of gorilla, whose keys are those of each other process; others' are not.
    "wss-native.pcapng": {
        0: "SEC-08",
        **dict.fromkeys((1, 2, 3, 6, 7, 8, 9, 12, 13), "SEC-08 SEC-18"),
    },
    "wss-tunnels.pcapng": {},
    # The stream that the client resets.
    "http2-streams.pcapng": {4: "CLS-08"},
    "http2-node.pcapng": {},
    "http2-field-blocks.pcapng": {},
    "http2-upgrade.pcapng": {},
    # HAProxy passes the key of HTTP/1 on, and Hypercorn answers it; at last HAProxy resets TCP.
    "http2-haproxy.pcapng": {1: "CLS-09 H2-04", 3: "CLS-09 H2-04", 5: "H2-04"},
    # Cookies in the clear, and nothing of HTTP/2.
    "http2-requests.pcapng": {2: "SEC-01", 5: "SEC-01"},
    # HAProxy hands the server's accept value on, nghttpx does not; the client resets /gone.
    "http2-translated.pcapng": {0: "H2-04", 2: "H2-04", 6: "CLS-08 H2-04", 7: "CLS-08"},
    "http2-unruly.pcapng": {
        1: "H2-01",  # /not-enabled
        2: "H2-02",  # /taken-back
        3: "H2-02",  # /set-to-2
        4: "H2-03",  # /no-scheme
        5: "H2-03",  # /no-authority
        6: "H2-03",  # /get
        7: "H2-03",  # /wss
        8: "H2-04",  # /upgrade
        9: "H2-04 SEC-06",  # /key, the one of RFC 6455
        10: "H2-04",  # /capitals
        11: "H2-04",  # /blanks
        12: "H2-04",  # /te
        13: "H2-03",  # /pseudo-last
        14: "H2-03",  # /two-paths
        15: "H2-03",  # /unknown-pseudo
        16: "H2-04",  # /bytes
        17: "H2-05",  # /status-101
        18: "H2-03",  # /status-in-request
        19: "H2-08",  # /stalled
        20: "H2-07",  # /reset-behind-close
        21: "CLS-06",  # /reset-for-close
        22: "CLS-08",  # /ended
        23: "CLS-08 H2-10",  # /gone-away
        24: "CLS-09",  # /tcp-reset
        25: "H2-01",  # /impatient
        26: "HSR-06",  # /not-offered
        28: "H2-04",  # /node-capitals
        29: "H2-10",  # /node-length
        30: "CLS-08 H2-10",  # /node-frames
        31: "CLS-08 H2-10",  # /node-settings
        32: "CLS-08 H2-10",  # /node-block
    },
    "wss-out-of-date.pcapng": {
        0: "TLS-03",  # /expired, and once more
        2: "TLS-03",  # /not-yet
        3: "TLS-01",  # /tls-1.0
        4: "TLS-01",  # /tls-1.1
        5: "TLS-02",  # /anonymous
    },
    "wss-opened.pcapng": {0: "PRX-19", 2: "PRX-19"},  # /opened, /opened-again
    "haproxy-proxy.pcapng": {
        2: "CLS-08 PRX-13 PRX-14",  # /idle-0; the legs before the proxy and behind it
        3: "CLS-08",
        4: "CLS-08 PRX-13",  # /idle-1
        5: "CLS-08",
        6: "CLS-08 PRX-13",  # /idle-2
        7: "CLS-08",
        8: "PRX-05",  # /forbidden, by HAProxy itself
        9: "PRX-05",  # /no-backend
        10: "PRX-05",  # /silent
        11: "HSR-18",
        12: "PRX-05",  # /broken
        13: "HSR-18",
    },
    "nginx-idle.pcapng": {
        0: "CLS-08 PRX-13 PRX-14",  # /idle-0
        1: "CLS-08",
        2: "CLS-08 PRX-13",  # /idle-1
        3: "CLS-08",
        4: "CLS-08 PRX-13",  # /idle-2
        5: "CLS-08",
        6: "PRX-05",  # /no-backend
        7: "PRX-05",  # /silent
        8: "HSR-18",
        9: "HSR-18",  # /broken: nginx takes what is not HTTP for HTTP/0.9
        10: "HSR-18",
    },
    "nginx-60s.pcapng": {
        0: "CLS-08 PRX-13 PRX-14",  # /dashboard?visit=1; the legs before the proxy and behind it
        1: "CLS-08",
        6: "CLS-08 PRX-13",  # /typist
        7: "CLS-08",
        8: "CLS-08 PRX-13",  # /reader
        9: "CLS-08",
        10: "CLS-08 PRX-13",  # /dashboard?visit=2
        11: "CLS-08",
        12: "CLS-08 PRX-13",  # /dashboard?visit=3
        13: "CLS-08",
    },
    "apache-proxy.pcapng": {
        4: "PRX-23",  # /stripped: Apache takes the Upgrade of the 426 away too
        5: STRIPPED,
        6: "PRX-05",  # /no-backend
        7: "PRX-05",  # /silent
        8: "HSR-18",
        9: "HSR-10",  # /broken: Apache takes what is not HTTP for HTTP/0.9
        10: "HSR-18",
    },
    # Whoever goes through a proxy does nothing wrong, but to log in to it in the clear.
    "connect-tunnels.pcapng": {10: "SEC-17", 12: "SEC-17"},
    "socks-tunnels.pcapng": {12: "SEC-17"},
    "proxy-protocol.pcapng": {},
    # HAProxy says where its client spoke TLS: what is behind is no warning then, but of /plain.
    "proxy-protocol-tls.pcapng": {
        4: "SEC-01 SEC-11",
        5: "SEC-01 SEC-11",
    },
    # The server's name is one of TLS only: it is reached by its address.
    "http2-connect.pcapng": {2: "TLS-05", 3: "TLS-05"},
    # nginx resets TCP where a client's close_notify comes behind its own, which is a remark.
    "wss-rekeyed.pcapng": {},
    "squid-proxy.pcapng": {
        2: "PRX-23",  # /stripped
        3: STRIPPED,
        4: "PRX-05",  # /no-backend
        5: "PRX-05",  # /silent
        6: f"{STRIPPED} HSR-18",
        7: "PRX-23 SEC-06",  # the forward proxy; a raw client has the key of RFC 6455
        8: STRIPPED,
        9: "PRX-05",  # 407
    },
    "varnish-proxy.pcapng": {
        2: "PRX-23",  # /stripped
        3: STRIPPED,
        5: STRIPPED,  # /cached, for the first time
        6: "PRX-06",  # /cached, for the second time
        7: "PRX-05",  # /no-backend
        8: "PRX-05",  # /silent
        9: f"{STRIPPED} HSR-18",
    },
    "judged-violations.pcapng": {
        0: "FRM-01",  # /unmasked
        1: "FRM-03",  # /rsv1
        2: "FRM-03",  # /rsv3
        3: "FRM-06",  # /reserved-opcode
        4: "FRM-06",  # /reserved-control-opcode
        5: "CTL-02",  # /fragmented-ping
        6: "CTL-01",  # /ping-of-126
        7: "MSG-01",  # /continuation-of-nothing
        8: "MSG-02",  # /message-in-message
        9: "MSG-04",  # /text-not-utf8
        10: "CLS-01",  # /close-of-one-byte
        11: "CLS-02",  # /close-1005
        12: "CLS-02",  # /close-2999
        13: "CLS-03",  # /close-reason-not-utf8
        15: "CLS-06",  # /close-not-answered: the server waits for a second
        16: "CTL-03",  # /pings-not-answered: the server closes for that reason
        17: "HSQ-17",  # /early
    },
    # The raw client masks everything with one key; an address may hold no control characters.
    "hostile-contents.pcapng": {1: "HSQ-18 SEC-01 SEC-03 SEC-07", 2: "MSG-04 SEC-07"},
    # A subprotocol, and a name of HTTP/2, that are none; who is asked for in TLS is nobody.
    "hostile-ways.pcapng": {0: "HSQ-11", 5: "TLS-05", 6: "TLS-05", 7: "H2-04"},
    "secrets-and-tunnels.pcapng": {
        0: "SEC-01",  # /cookie
        1: "SEC-01",  # /basic
        2: "SEC-01",  # /bearer
        3: "SEC-01",  # /chat?token=…
        4: "SEC-11",  # /jwt
        5: "SEC-11",  # /pem
        6: "SEC-11",  # /password
        8: "SEC-12",  # /ssh; before it an ordinary message with the word "password"
        9: "SEC-12",  # /tls
        10: "SEC-12",  # /http
        11: "SEC-12",  # /vnc
    },
    "weak-masks.pcapng": {
        1: "SEC-07",  # /zero
        2: "SEC-07",  # /constant
        3: "SEC-07",  # /counter
        4: "SEC-08",  # /java-util-random
        5: "SEC-09",  # /c-rand: its top bit is never set
        6: "SEC-10",  # /request-on-the-wire
    },
    "mixed-keys.pcapng": {
        1: "SEC-06",  # /again
        2: "HSR-04 HSR-17 PRX-07",  # /mixed-up
    },
    "deflate-violations.pcapng": {
        1: "EXT-13",  # /takeover
        2: "EXT-13",  # /window
        3: "PMD-01",  # /garbage
        4: "PMD-05",  # /empty-payload
        5: "PMD-02",  # /bomb
        7: "FRM-04",  # /rsv1-on-continuation
        8: "FRM-05",  # /rsv1-on-ping
    },
    "injected-reset.pcapng": {
        1: "CLS-08 PRX-12",  # /reset
    },
    # The server resets each; the loop is told at the last attempt of /at-once.
    "reconnects.pcapng": dict.fromkeys(range(15), "CLS-08") | {7: "CLS-08 PRX-16"},
    # No finding on the requests without a fault: 0 and 19.
    "faulty-requests.pcapng": {
        1: "HSQ-03 HSR-09",  # /no-host, to websockets
        2: "HSQ-03 HSR-09",  # /two-hosts
        3: "HSQ-06",  # /no-key
        4: "HSQ-07",  # /key-of-8-bytes
        5: "HSQ-08",  # /two-keys
        6: "HSQ-09",  # /no-version
        7: "HSQ-09 HSR-11",  # /version-14
        8: "HSQ-10",  # /two-versions
        9: "HSQ-11",  # /subprotocol-twice
        10: "HSQ-12",  # /extension-of-no-name
        11: "HSQ-13",  # /browser-without-origin
        12: "HSQ-14",  # /accept-in-request
        13: "EXT-03",  # /unknown-parameter
        14: "EXT-04",  # /parameter-twice
        15: "EXT-05",  # /takeover-with-value
        16: "EXT-06",  # /server-window-16
        17: "EXT-07",  # /client-window-7
        18: "HSQ-15",  # /page#part
        20: "HSQ-03 HSR-09",  # /no-host, to Node ws
        21: "HSQ-03 HSR-09",  # /two-hosts
        22: "HSQ-06",  # /no-key
        23: "HSQ-07",  # /key-of-8-bytes
        24: "HSQ-08",  # /two-keys
        25: "HSQ-09",  # /no-version
        26: "HSQ-09",  # /version-14
        27: "HSQ-10",  # /two-versions
        28: "HSQ-11",  # /subprotocol-twice
        29: "HSQ-12",  # /extension-of-no-name
        30: "HSQ-13",  # /browser-without-origin
        31: "HSQ-14",  # /accept-in-request
        32: "EXT-03",  # /unknown-parameter
        33: "EXT-04",  # /parameter-twice
        34: "EXT-05",  # /takeover-with-value
        35: "EXT-06",  # /server-window-16
        36: "EXT-07",  # /client-window-7
        37: "HSQ-15",  # /page#part
        38: "HSQ-01",  # /post
        39: "HSQ-19",  # /pipelined, and read as a frame
        40: "SEC-15",  # /pipelined-and-refused
    },
    "faulty-answers.pcapng": {
        1: "HSR-07",  # /two-subprotocols
        2: "HSR-05",  # /subprotocol-twice
        3: "HSR-13",  # /content-length
        4: "HSR-15",  # /version
        5: "EXT-02",  # /two-deflates
        6: "EXT-03",  # /unknown-parameter
        7: "EXT-04",  # /parameter-twice
        8: "EXT-05",  # /takeover-with-value
        9: "EXT-06",  # /server-window-7
        10: "EXT-07",  # /client-window-without-value
        11: "EXT-08",  # /client-window-not-offered
        12: "EXT-09",  # /takeover-not-given-up
        13: "HSR-14",  # /http-1.0
    },
    # A beacon (9) is worth a remark, no more.
    "unruly-peers.pcapng": {
        1: "FRM-11",  # /crumbs
        2: "CTL-06",  # /ping-flood
        3: "CTL-04",  # /another-pong
        4: "CTL-03",  # /pings-ignored
        5: "CLS-06",  # /close-ignored
        6: "CLS-10",  # /tcp-left-open
        7: "CLS-07",  # /server-1010
        8: "CLS-08 FRM-12",  # /bait
    },
    "one-direction.pcapng": {0: "PRX-18", 1: "PRX-18"},
    # The plain connection can be read from its middle on, the compressed one cannot.
    "from-the-middle.pcapng": {},
    "snapped.pcap": {0: "TRN-01", None: "TRN-04"},
    "overrun.pcap": {0: "PMD-06 TRN-01"},
    "firewall.pcap": {0: "CLS-08 PRX-12 PRX-13"},
    "damaged-segments.pcapng": {0: "TRN-02"},
    "ports-again.pcapng": {3: "CLS-08 TRN-08"},  # /half-closed
    # Both legs of each connection are cut; the limit is said where it was met first.
    "lifetime-limit.pcapng": dict.fromkeys(range(1, 8, 2), "CLS-08")
    | dict.fromkeys((2, 4, 6), "CLS-08 PRX-13")
    | {0: "CLS-08 PRX-13 PRX-15"},
    "stalling-proxy.pcapng": {},
    "two-backends.pcapng": dict.fromkeys((10, 11, 14, 15), "HSR-10"),  # busy: 503
    "port-80.pcapng": {
        0: "PRX-20 PRX-23",
        1: STRIPPED,
    },
    "idle-crowd.pcapng": {},
    "offloaded-host.pcapng": {},
    "cross-site.pcapng": {
        0: "HSR-20",  # /basket
        1: "SEC-01",  # /again, with the cookie
        3: "SEC-14",  # /device; the browser took no cookie to /from-elsewhere
        4: "SEC-01 SEC-03",  # /with-cookie
        5: "SEC-01 SEC-03",  # /null
        6: "SEC-05",  # /https-page
    },
    # A server that answers nothing to a head that it cannot read, and one that answers 400.
    "odd-habits.pcapng": dict.fromkeys(range(4), "HSQ-18 HSR-18")
    | dict.fromkeys(range(7, 11), "HSQ-18")
    | dict.fromkeys((6, 13), "FRM-08"),
    "old-failures.pcapng": {
        0: "LEG-02 LEG-06",  # /no-blanks
        1: "LEG-02 LEG-06",  # /remainder
        2: "LEG-04 LEG-05",  # /unfinished
        4: "LEG-06",  # /falls-back, with version 8
    },
}

# And of severity info, in captures that were made for what is no more than a remark.
REMARKS: dict[str, dict[int | None, str]] = {
    "http2-requests.pcapng": {0: "CLS-13 H2-09", 3: "CLS-13 H2-09"},
    "http2-unruly.pcapng": {
        **dict.fromkeys((4, 5, 17, 18), "HSR-10"),
        19: "TRN-03",
        26: "H2-06 H2-09",  # /not-offered; /beside is on the same connection
    },
    # One that checks certificates gave up: nothing was asked for, and the secrets are not there.
    "wss-out-of-date.pcapng": {3: "TLS-04", None: "TRN-10"},
    "wss-refused.pcapng": {0: "TLS-04", None: "TRN-10"},
    "wss-opened.pcapng": {
        **dict.fromkeys((0, 2, 4), "PRX-21"),
        1: "CLS-09 TLS-04",
        3: "CLS-09",
    },
    "offloaded-host.pcapng": {None: "TRN-04"},
    "one-direction.pcapng": {},
    "from-the-middle.pcapng": {0: "TRN-05", 1: "PMD-06 TRN-05"},
    "snapped.pcap": {0: "TRN-05"},  # its heads are cut, and cannot be read
    "overrun.pcap": {},
    "firewall.pcap": {},
    "damaged-segments.pcapng": {0: "TRN-03"},
    "ports-again.pcapng": {2: "TRN-07"},
    "lifetime-limit.pcapng": {},
    "stalling-proxy.pcapng": {0: "PRX-04 PRX-17"},  # the leg behind the proxy is even
    "proxy-protocol-tls.pcapng": {
        0: "CLS-09 TLS-04",
        1: "SEC-01 SEC-11",
        2: "CLS-09",
        3: "SEC-01 SEC-11",
    },
    "two-backends.pcapng": {2: "XCN-04", 14: "XCN-03"},
    "port-80.pcapng": {0: "PRX-04"},
    "idle-crowd.pcapng": {2: "XCN-06"},
    "cross-site.pcapng": {2: "SEC-04"},  # /from-elsewhere
    "odd-habits.pcapng": dict.fromkeys((4, 5, 11, 12), "HSQ-21 HSR-10")
    | dict.fromkeys(range(7, 11), "HSR-10")
    | dict.fromkeys((6, 13), "CLS-11")
    | {14: "EXT-10 MSG-05"},
    "old-failures.pcapng": {0: "HSR-10", 1: "HSR-10", 3: "HSR-10", 4: "LEG-07"},
}

# Where the checks do not say the same, and why; a test fails once they do.
DISPUTED: dict[tuple[str, int], str] = {}
