"""The configurations of the proxies in `proxies.py`; SCRATCH stands for a folder of the session."""

from __future__ import annotations

CHAT, ODD = 9060, 9061  #: the servers behind
FRONT = 9160  #: every proxy listens here
FORWARD, LOCKED = 9161, 9162  #: Squid as a forward proxy, for everyone and with a password

HAPROXY = f"""
global
    maxconn 64
defaults
    mode http
    retries 0
    timeout connect 1s
    timeout client 30s
    timeout server 30s
    timeout tunnel 2s
frontend front
    bind 127.0.0.1:{FRONT}
    http-request deny if {{ path /denied }}
    use_backend nowhere if {{ path /no-backend }}
    use_backend odd if {{ path /silent /broken }}
    default_backend chat
backend chat
    server one 127.0.0.1:{CHAT}
backend nowhere
    server one 127.0.0.1:1
backend odd
    timeout server 1s
    server one 127.0.0.1:{ODD}
"""

NGINX = f"""
daemon off;
master_process off;
user root;
error_log stderr crit;
pid SCRATCH/nginx.pid;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path SCRATCH;
    proxy_temp_path SCRATCH;
    fastcgi_temp_path SCRATCH;
    uwsgi_temp_path SCRATCH;
    scgi_temp_path SCRATCH;
    proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection "upgrade";
    proxy_read_timeout 2s;
    server {{
        listen 127.0.0.1:{FRONT};
        location / {{ proxy_pass http://127.0.0.1:{CHAT}; }}
        location /no-backend {{ proxy_pass http://127.0.0.1:1; }}
        location /silent {{ proxy_pass http://127.0.0.1:{ODD}; }}
        location /broken {{ proxy_pass http://127.0.0.1:{ODD}; }}
    }}
}}
"""

MODULES = "/usr/lib/apache2/modules"
APACHE = f"""
ServerRoot SCRATCH
ServerName localhost
PidFile SCRATCH/apache.pid
Mutex posixsem
ErrorLog SCRATCH/apache.log
Listen 127.0.0.1:{FRONT}
LoadModule mpm_event_module {MODULES}/mod_mpm_event.so
LoadModule authz_core_module {MODULES}/mod_authz_core.so
LoadModule proxy_module {MODULES}/mod_proxy.so
LoadModule proxy_http_module {MODULES}/mod_proxy_http.so
LoadModule proxy_wstunnel_module {MODULES}/mod_proxy_wstunnel.so
User www-data
Group www-data
ProxyPass /tunnel ws://127.0.0.1:{CHAT}/tunnel
ProxyPass /upgrade http://127.0.0.1:{CHAT}/upgrade upgrade=websocket
ProxyPass /stripped http://127.0.0.1:{CHAT}/stripped
ProxyPass /no-backend http://127.0.0.1:1/ upgrade=websocket
ProxyPass /silent http://127.0.0.1:{ODD}/silent upgrade=websocket timeout=1
ProxyPass /broken http://127.0.0.1:{ODD}/broken upgrade=websocket
"""

SQUID = f"""
http_port 127.0.0.1:{FRONT} accel name=front defaultsite=127.0.0.1 ignore-cc
http_port 127.0.0.1:{FORWARD} name=forward
http_port 127.0.0.1:{LOCKED} name=locked
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
read_timeout 2 seconds
auth_param basic program /usr/lib/squid/basic_fake_auth
auth_param basic realm chat
acl someone proxy_auth REQUIRED
acl in_front myportname front
acl locked myportname locked
acl passed urlpath_regex ^/passed
acl nowhere urlpath_regex ^/no-backend
acl odd urlpath_regex ^/silent ^/cached
cache_peer 127.0.0.1 parent {CHAT} 0 no-query no-digest originserver name=chat
cache_peer 127.0.0.1 parent {ODD} 0 no-query no-digest originserver name=odd
cache_peer 127.0.0.1 parent 1 0 no-query no-digest originserver name=nowhere
cache_peer_access odd allow odd
cache_peer_access odd deny all
cache_peer_access nowhere allow nowhere
cache_peer_access nowhere deny all
cache_peer_access chat deny odd
cache_peer_access chat deny nowhere
cache_peer_access chat allow in_front
cache_peer_access chat deny all
never_direct allow in_front
http_upgrade_request_protocols websocket allow passed
http_access allow locked someone
http_access deny locked
http_access allow all
"""

VARNISH = f"""
vcl 4.1;
backend chat {{ .host = "127.0.0.1"; .port = "{CHAT}"; }}
backend odd {{ .host = "127.0.0.1"; .port = "{ODD}"; .first_byte_timeout = 1s; }}
backend nowhere {{ .host = "127.0.0.1"; .port = "1"; }}
sub vcl_recv {{
    set req.backend_hint = chat;
    if (req.url ~ "^/no-backend") {{ set req.backend_hint = nowhere; }}
    if (req.url ~ "^/(silent|cached)") {{ set req.backend_hint = odd; }}
    if (req.url ~ "^/passed") {{ return (pipe); }}
    if (req.url ~ "^/cached") {{ return (hash); }}
    return (pass);
}}
sub vcl_pipe {{
    set bereq.http.upgrade = req.http.upgrade;
    set bereq.http.connection = req.http.connection;
}}
"""
