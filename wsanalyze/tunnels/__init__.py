"""How proxies are asked for a way to somebody else: SOCKS 4, 4a and 5, and the PROXY protocol."""
