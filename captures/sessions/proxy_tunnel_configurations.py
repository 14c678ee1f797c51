"""The configurations of the proxies in `proxy_tunnels.py`; SCRATCH stands for a folder of it."""

from __future__ import annotations

CHAT, WEB = 9060, 80  #: the server behind, on two ports
OPEN, WITH_PASSWORD = 9161, 9162  #: Squid, for everyone and with a password
SOCKS, SOCKS_LOCKED, DANTE_PORT = 9170, 9171, 9172  #: microsocks, likewise; Dante
SSH, SSH_SOCKS = 9022, 9173  #: sshd, and the port on which its client speaks SOCKS
FRONT_1, FRONT_2 = 9181, 9182  #: HAProxy, for each version of the PROXY protocol

SQUID = f"""
http_port 127.0.0.1:{OPEN} name=open
http_port 127.0.0.1:{WITH_PASSWORD} name=locked
pid_filename none
visible_hostname proxy.example
cache_log /dev/null
access_log none
netdb_filename none
coredump_dir none
cache_effective_user proxy
cache_mem 8 MB
shutdown_lifetime 0 seconds
pinger_enable off
auth_param basic program /usr/lib/squid/basic_fake_auth
auth_param basic realm chat
acl someone proxy_auth REQUIRED
acl locked myportname locked
acl tunnels port {CHAT} {WEB}
http_access deny !tunnels
http_access allow locked someone
http_access deny locked
http_access allow all
"""

DANTE = f"""
logoutput: SCRATCH/dante.log
internal: 127.0.0.1 port = {DANTE_PORT}
external: 127.0.0.1
clientmethod: none
socksmethod: none
user.privileged: root
user.unprivileged: nobody
client pass {{ from: 0.0.0.0/0 to: 0.0.0.0/0 }}
socks pass {{
    from: 0.0.0.0/0 to: 0.0.0.0/0 command: connect
    proxyprotocol: socks_v4 socks_v5
}}
"""

SSHD = f"""
Port {SSH}
ListenAddress 127.0.0.1
HostKey SCRATCH/key
AuthorizedKeysFile SCRATCH/key.pub
StrictModes no
UsePAM no
PidFile none
PermitRootLogin prohibit-password
"""

HAPROXY = f"""
global
    maxconn 64
defaults
    mode http
    retries 0
    timeout connect 1s
    timeout client 30s
    timeout server 30s
frontend one
    bind 127.0.0.1:{FRONT_1}
    bind [::1]:{FRONT_1}
    default_backend one
frontend two
    bind 127.0.0.1:{FRONT_2}
    bind [::1]:{FRONT_2}
    unique-id-format %Ts-%rt
    default_backend two
backend one
    server chat 127.0.0.1:{CHAT} send-proxy
backend two
    server chat 127.0.0.1:{CHAT} send-proxy-v2 proxy-v2-options crc32c,unique-id
"""
