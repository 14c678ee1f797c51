"""What `record_strangers.py` records: for each protocol a server and its clients, in shell.

Each runs in a folder of its own, in a network namespace that has nothing but loopback, with:

- `$MATERIAL`: files `random`, `log` (text), `binary` (programs), `sound` (16-bit samples),
  `zeros`, of 8 MB each; `$SPEAK NAME`: a conversation of `speakers.py`
- `up PORT`: waits until somebody listens there
"""

from __future__ import annotations

TLS = """
openssl req -x509 -newkey rsa:2048 -nodes -keyout key -out cert -subj /CN=localhost
cp $MATERIAL/* .
openssl s_server -accept 4433 -key key -cert cert {version} -WWW -quiet &
up 4433
for name in random log binary; do
  echo "GET /$name HTTP/1.0\r\n\r\n" | openssl s_client -connect 127.0.0.1:4433 -quiet -ign_eof \
    > received
done
"""
NGINX = """
mkdir temporary; chmod 755 .
cat > conf <<END
pid $PWD/pid; error_log $PWD/errors; user root;
events {{}}
http {{
  access_log off; client_body_temp_path $PWD/temporary; proxy_temp_path $PWD/temporary;
  fastcgi_temp_path $PWD/temporary; uwsgi_temp_path $PWD/temporary; scgi_temp_path $PWD/temporary;
  gzip {gzip}; gzip_types *; gzip_min_length 100;
  server {{ listen 8000 {http2}; root $MATERIAL; }}
}}
END
nginx -p . -c $PWD/conf -g 'daemon off;' &
up 8000
for name in log random binary sound; do
  curl -s {curl} -o received http://127.0.0.1:8000/$name
  curl -s {curl} -r 1000000-1200000 -o received http://127.0.0.1:8000/$name
done
"""

RECORDED: dict[str, str] = {
    "tls12": TLS.format(version="-tls1_2"),
    "tls13": TLS.format(version="-tls1_3"),
    "ssh": """
ssh-keygen -q -t ed25519 -N '' -f key; ssh-keygen -q -t ed25519 -N '' -f host
mkdir -p /run/sshd
/usr/sbin/sshd -D -f /dev/null -p 2222 -h $PWD/host -o StrictModes=no -o UsePAM=no \
  -o AuthorizedKeysFile=$PWD/key.pub -o Subsystem='sftp internal-sftp' &
up 2222
options='-i key -o StrictHostKeyChecking=no -o UserKnownHostsFile=known'
scp -q $options -P 2222 $MATERIAL/random 127.0.0.1:$PWD/received
scp -q -C $options -P 2222 $MATERIAL/log 127.0.0.1:$PWD/received
ssh $options -p 2222 127.0.0.1 'for i in $(seq 300); do echo $i; sleep 0.01; done'
""",
    "postgres": """
chmod 777 .; bin=$(ls -d /usr/lib/postgresql/*/bin | tail -1)
runuser -u postgres -- $bin/initdb -D $PWD/base -A trust
runuser -u postgres -- $bin/postgres -D $PWD/base -k $PWD -p 5432 &
up 5432
export PGHOST=127.0.0.1 PGUSER=postgres PGSSLMODE=disable PGPASSWORD=
sleep 1
psql -c 'create table b as select decode(md5(i::text), $$hex$$) d from generate_series(1,90000) i'
psql -c 'copy b to stdout' > received; psql -c 'copy b to stdout binary' > received
psql -c 'copy b from stdin binary' < received; psql -c 'select * from b, pg_class limit 20000' > x
pgbench -q -i -s 1; pgbench -c 3 -t 600; pgbench -c 3 -t 600 -M prepared; pgbench -S -t 2000
""",
    "redis": """
redis-server --port 6379 --save '' --dir . &
up 6379
redis-benchmark -q -n 1500 -d 200 -t set,get,lpush,mset; redis-benchmark -q -n 99 -t lrange_100
redis-benchmark -q -n 8000 -P 16 -r 1000 -t set,get,incr,zadd
split -b 60000 $MATERIAL/random part-
for name in part-*; do redis-cli -x set $name < $name; done
redis-server --port 6380 --save '' --dir . --dbfilename copy --replicaof 127.0.0.1 6379 &
up 6380; sleep 3
""",
    "mysql": """
chmod 777 .
mariadb-install-db --datadir=$PWD/base --auth-root-authentication-method=normal --user=mysql
mariadbd --no-defaults --datadir=$PWD/base --socket=$PWD/socket --port=3306 --user=mysql \
  --max-allowed-packet=64M &
up 3306
options='-h 127.0.0.1 -P 3306 -u root'
mariadb-slap $options --auto-generate-sql --number-of-queries=400 --concurrency=4 \
  --auto-generate-sql-load-type=mixed
mariadb $options -e 'create database d; create table d.t (id int, v blob, w text)'
for i in $(seq 200); do
  echo "insert into d.t values ($i, 0x$(head -c 9000 /dev/urandom | od -An -v -tx1 | tr -d ' \\n'),
    '$(head -c 6000 /dev/urandom | base64 -w0)');"
done | mariadb $options
mariadb $options -e 'select * from d.t' > received; mariadb-dump $options d > received
""",
    "memcached": """
memcached -u nobody -l 127.0.0.1 -p 11211 -I 8m -m 200 &
up 11211
split -b 40000 $MATERIAL/random r-; split -b 3000 -a 4 $MATERIAL/log l-
memccp --servers=127.0.0.1:11211 r-*; memccp --servers=127.0.0.1:11211 $(ls l-* | head -2000)
memccp --binary --servers=127.0.0.1:11211 r-*
memccat --servers=127.0.0.1:11211 r-* > received
memccat --binary --servers=127.0.0.1:11211 r-* > received
""",
    "mqtt": """
printf 'listener 1883 127.0.0.1\\nallow_anonymous true\\nmax_queued_messages 0\\n' > conf
mosquitto -c conf &
up 1883
mosquitto_sub -t 'a/#' -q 2 > received &
mosquitto_sub -t 'a/+' -q 0 > received2 &
sleep 0.5
for quality in 0 1 2; do head -n 6000 $MATERIAL/log | mosquitto_pub -t a/b -q $quality -l; done
head -c 3000000 $MATERIAL/random | mosquitto_pub -t a/c -s
for i in $(seq 40); do
  mosquitto_sub $(for j in $(seq 60); do echo -t s/$i/topic/$j -U s/$i/$j; done) -E
done
""",
    "amqp": """
export RABBITMQ_MNESIA_BASE=$PWD RABBITMQ_LOG_BASE=$PWD RABBITMQ_NODENAME=r@localhost HOME=$PWD
export RABBITMQ_PID_FILE=$PWD/pid
/usr/lib/rabbitmq/bin/rabbitmq-server &
up 5672
$SPEAK amqp
""",
    "http": NGINX.format(gzip="off", http2="", curl=""),
    "http-gzip": NGINX.format(gzip="on", http2="", curl="--compressed"),
    "http2": NGINX.format(gzip="on", http2="http2", curl="--compressed --http2-prior-knowledge"),
    "smtp": """
$PYTHON -m aiosmtpd -n -l 127.0.0.1:8025 -s 0 -c aiosmtpd.handlers.Sink &
up 8025
base64 $MATERIAL/random > mail
for name in mail $MATERIAL/log; do
  curl -s smtp://127.0.0.1:8025 --mail-from a@b.c --mail-rcpt d@e.f -T $name
done
""",
    "ftp": """
$PYTHON -m pyftpdlib -i 127.0.0.1 -p 2121 -w -d . &
up 2121
for name in random log binary sound; do
  curl -s -T $MATERIAL/$name ftp://127.0.0.1:2121/; curl -s ftp://127.0.0.1:2121/$name -o received
done
""",
    "git": """
git init -q one; cp -r $LIBRARY/*.py $LIBRARY/email $LIBRARY/json one; cp $MATERIAL/binary one
git -C one add .; git -C one -c user.name=a -c user.email=a commit -q -m one
git daemon --base-path=. --export-all --reuseaddr --port=9418 --enable=receive-pack &
up 9418
git clone -q git://127.0.0.1/one two; git init -q --bare three
git -C two push -q git://127.0.0.1/three HEAD:refs/heads/main
""",
    "rsync": """
printf '[m]\\npath=%s\\nread only=no\\nuse chroot=no\\nuid=0\\ngid=0\\n' $PWD > conf
rsync --daemon --no-detach --port=8730 --config=conf --address=127.0.0.1 &
up 8730
rsync -a $MATERIAL/ rsync://127.0.0.1:8730/m/a/; rsync -az $MATERIAL/ rsync://127.0.0.1:8730/m/b/
rsync -az $LIBRARY/ rsync://127.0.0.1:8730/m/c/ --include='*.py' --exclude='*.*'
dd if=/dev/urandom of=a/binary conv=notrunc bs=1000 seek=2000 count=1
rsync -a -I --no-whole-file rsync://127.0.0.1:8730/m/a/ $PWD/b/
""",
    "smb": """
mkdir share; cat > conf <<END
[global]
interfaces = lo
smb ports = 4450
private dir = $PWD
lock directory = $PWD
state directory = $PWD
cache directory = $PWD
pid directory = $PWD
ncalrpc dir = $PWD
map to guest = bad user
[share]
path = $PWD/share
guest ok = yes
read only = no
force user = root
END
smbd -F --no-process-group -s conf -l $PWD &
up 4450
cd $MATERIAL
smbclient -s ../conf -N -p 4450 //127.0.0.1/share -c 'prompt; mput *; ls; mget *; get log /dev/null'
""",
    "dns": """
for i in $(seq 2000); do echo "address=/host$i.example/10.0.$((i / 250)).$((i % 250))"; done > conf
dnsmasq -d -C conf -p 5353 -a 127.0.0.1 --no-resolv --user=root &
up 5353
for i in $(seq 2000); do echo "host$i.example A"; done > names
dig +tcp +keepopen @127.0.0.1 -p 5353 -f names > received
head -100 names | while read name kind; do dig +tcp @127.0.0.1 -p 5353 $name; done > received
""",
    "ldap": """
mkdir base; cat > conf <<END
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
database mdb
suffix dc=a
rootdn cn=r,dc=a
rootpw secret
directory $PWD/base
END
slapd -d 0 -f conf -h ldap://127.0.0.1:3890 &
up 3890
(printf 'dn: dc=a\\nobjectClass: dcObject\\nobjectClass: organization\\no: a\\ndc: a\\n\\n'
for i in $(seq 3000); do
  printf 'dn: cn=%s,dc=a\\nobjectClass: inetOrgPerson\\ncn: %s\\nsn: n\\nmail: %s@a\\n\\n' $i $i $i
done) | ldapadd -x -H ldap://127.0.0.1:3890 -D cn=r,dc=a -w secret
for i in 1 2 3; do ldapsearch -x -H ldap://127.0.0.1:3890 -b dc=a '(mail=*1*)'; done > received
""",
    "x11": """
Xvfb :9 -listen tcp -ac -screen 0 800x600x24 &
up 6009
export DISPLAY=127.0.0.1:9
for what in -dot -rect10 -putimage100 -getimage100 -ftext -scroll100 -noop -circle10; do
  timeout 3 x11perf -reps 30 -repeat 1 -time 1 $what
done
timeout 2 xclock -update 1; timeout 2 xeyes; xwininfo -root -tree; timeout 2 xlogo
""",
    "iperf3": """
iperf3 -s -p 5201 -B 127.0.0.1 &
up 5201; sleep 1
iperf3 -c 127.0.0.1 -n 8M; iperf3 -c 127.0.0.1 -n 8M -R; iperf3 -c 127.0.0.1 -n 2M -l 700
iperf3 -c 127.0.0.1 -n 8M --repeating-payload; iperf3 -c 127.0.0.1 -F $MATERIAL/binary -n 8M
""",
    "netcat": """
for name in random log binary sound zeros; do
  nc -N -l 127.0.0.1 7000 > received & sleep 0.4
  nc -N 127.0.0.1 7000 < $MATERIAL/$name; wait $!
done
nc -N -l 127.0.0.1 7000 > received & sleep 0.4
head -n 3000 $MATERIAL/log | while read line; do echo "$line"; done | nc -N 127.0.0.1 7000
""",
    "bittorrent": "$SPEAK bittorrent",
    "grpc": "$SPEAK grpc",
    "zeromq": "$SPEAK zeromq",
    "objects": "$SPEAK objects",
}
