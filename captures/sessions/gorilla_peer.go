// An echo server and a client made with gorilla/websocket, which print what they send and receive:
// gorilla_peer server PORT | client URL (plain | deflate | long | told)
// Within TLS, as Go has it, with the secrets appended to KEYLOG; VERSION (1.2, 1.3) is the latest:
// gorilla_peer server PORT KEYLOG VERSION CERTIFICATE KEY
// gorilla_peer client URL (plain | deflate | long | told) KEYLOG VERSION CERTIFICATE
// A line is TIME CLIENT_PORT EVENT FACT…, with bytes in hex; sessions/native_implementations.py
// makes a journal of them.
package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"github.com/gorilla/websocket"
)

var types = map[int]string{
	websocket.TextMessage: "text", websocket.BinaryMessage: "binary",
	websocket.CloseMessage: "close", websocket.PingMessage: "ping", websocket.PongMessage: "pong",
}

// The clock that all journals have.
func monotonic() int64 {
	var now syscall.Timespec
	syscall.Syscall(syscall.SYS_CLOCK_GETTIME, 1, uintptr(unsafe.Pointer(&now)), 0)
	return now.Nano()
}

// A TCP connection that notes the two HTTP heads, whoever reads and writes them.
type noted struct {
	net.Conn
	side       string
	clientPort int
	lock       sync.Mutex
	read, sent []byte
}

func newNoted(connection net.Conn, side string) *noted {
	client := connection.LocalAddr()
	if side == "server" {
		client = connection.RemoteAddr()
	}
	return &noted{Conn: connection, side: side, clientPort: client.(*net.TCPAddr).Port}
}

func (peer *noted) note(facts ...string) {
	fmt.Printf("%d %d %s\n", monotonic(), peer.clientPort, strings.Join(facts, " "))
}

func (peer *noted) data(event string, sender string, kind int, payload []byte) {
	peer.note(event, sender, types[kind], "x"+hex.EncodeToString(payload))
}

// Add to a head; note it once it is whole, and never again.
func (peer *noted) head(head *[]byte, event string, data []byte) {
	peer.lock.Lock()
	defer peer.lock.Unlock()
	if bytes.Contains(*head, []byte("\r\n\r\n")) {
		return
	}
	*head = append(*head, data...)
	if end := bytes.Index(*head, []byte("\r\n\r\n")); end >= 0 {
		peer.note(event, "x"+hex.EncodeToString((*head)[:end]))
	}
}

func (peer *noted) Read(data []byte) (int, error) {
	count, err := peer.Conn.Read(data)
	event := "response"
	if peer.side == "server" {
		event = "request"
	}
	peer.head(&peer.read, event, data[:count])
	return count, err
}

func (peer *noted) Write(data []byte) (int, error) {
	event := "request"
	if peer.side == "server" {
		event = "response"
	}
	peer.head(&peer.sent, event, data)
	return peer.Conn.Write(data)
}

type listener struct{ net.Listener }

func (from listener) Accept() (net.Conn, error) {
	connection, err := from.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return newNoted(connection, "server"), nil
}

// A WebSocket connection, the side that this program is, and the other.
type talk struct {
	*websocket.Conn
	peer         *noted
	mine, theirs string
}

func newTalk(connection *websocket.Conn, mine string, theirs string) *talk {
	peer := connection.UnderlyingConn().(*noted)
	peer.note("open")
	self := &talk{connection, peer, mine, theirs}
	connection.SetPingHandler(func(data string) error {
		peer.data("control", theirs, websocket.PingMessage, []byte(data))
		return self.control(websocket.PongMessage, []byte(data))
	})
	connection.SetPongHandler(func(data string) error {
		peer.data("control", theirs, websocket.PongMessage, []byte(data))
		return nil
	})
	return self
}

func (self *talk) send(kind int, payload []byte) {
	self.peer.data("message", self.mine, kind, payload)
	must(self.WriteMessage(kind, payload))
}

func (self *talk) control(kind int, payload []byte) error {
	self.peer.data("control", self.mine, kind, payload)
	return self.WriteControl(kind, payload, time.Now().Add(time.Second))
}

// The next message; an error when a Close came, which is noted.
func (self *talk) receive() (int, []byte, error) {
	kind, payload, err := self.ReadMessage()
	var closed *websocket.CloseError
	if errors.As(err, &closed) {
		body := websocket.FormatCloseMessage(closed.Code, closed.Text)
		self.peer.data("control", self.theirs, websocket.CloseMessage, body)
	}
	if err == nil {
		self.peer.data("message", self.theirs, kind, payload)
	}
	return kind, payload, err
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

var upgrader = websocket.Upgrader{EnableCompression: true, WriteBufferSize: 512}

func echo(answer http.ResponseWriter, request *http.Request) {
	connection, err := upgrader.Upgrade(answer, request, nil)
	must(err)
	self := newTalk(connection, "server", "client")
	defer self.Close()
	for {
		kind, payload, err := self.receive()
		var closed *websocket.CloseError
		if errors.As(err, &closed) {
			// The library has answered it, with the code alone.
			self.peer.data("control", self.mine, websocket.CloseMessage,
				websocket.FormatCloseMessage(closed.Code, ""))
		}
		if err != nil {
			return
		}
		if string(payload) == "close, please" {
			must(self.control(websocket.CloseMessage, websocket.FormatCloseMessage(4001, "told to")))
			self.receive()
			return
		}
		self.send(kind, payload)
	}
}

// What both ends within TLS have in common.
func secured(keylog string, version string) *tls.Config {
	log, err := os.OpenFile(keylog, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	must(err)
	versions := map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}
	return &tls.Config{KeyLogWriter: log, MaxVersion: versions[version], NextProtos: []string{"http/1.1"}}
}

func serverConfig(keylog string, version string, certificate string, key string) *tls.Config {
	config := secured(keylog, version)
	pair, err := tls.LoadX509KeyPair(certificate, key)
	must(err)
	config.Certificates = []tls.Certificate{pair}
	return config
}

// The host is this machine, whatever its name.
func clientConfig(keylog string, version string, certificate string) *tls.Config {
	config := secured(keylog, version)
	pem, err := os.ReadFile(certificate)
	must(err)
	config.RootCAs = x509.NewCertPool()
	config.RootCAs.AppendCertsFromPEM(pem)
	return config
}

func dialSecured(address string, config *tls.Config) (net.Conn, error) {
	name, port, err := net.SplitHostPort(address)
	must(err)
	config.ServerName = name
	return tls.Dial("tcp4", "127.0.0.1:"+port, config)
}

func converse(url string, way string, config *tls.Config) {
	dialer := websocket.Dialer{EnableCompression: way == "deflate" || way == "long", WriteBufferSize: 512}
	dialer.NetDialContext = func(_ context.Context, network, address string) (net.Conn, error) {
		connection, err := net.Dial(network, address)
		must(err)
		return newNoted(connection, "client"), nil
	}
	dialer.NetDialTLSContext = func(_ context.Context, _, address string) (net.Conn, error) {
		connection, err := dialSecured(address, config)
		must(err)
		return newNoted(connection, "client"), nil
	}
	connection, _, err := dialer.Dial(url, nil)
	must(err)
	self := newTalk(connection, "client", "server")
	defer self.Close()
	say := func(kind int, payload string) {
		self.send(kind, []byte(payload))
		_, _, err := self.receive()
		must(err)
	}
	say(websocket.TextMessage, "from Go")
	if way == "told" {
		self.send(websocket.TextMessage, []byte("close, please"))
		self.receive()
		self.peer.data("control", self.mine, websocket.CloseMessage,
			websocket.FormatCloseMessage(4001, ""))
		return
	}
	say(websocket.TextMessage, "Grüße, 世界, 🦉")
	say(websocket.TextMessage, "")
	say(websocket.BinaryMessage, "\x00\x01\xfe\xff")
	// Longer than the buffer for writing: in fragments.
	say(websocket.TextMessage, strings.Repeat("again and ", 70))
	if way == "long" {
		for number := 0; number < 20; number++ {
			say(websocket.TextMessage, fmt.Sprint("message ", number))
		}
		say(websocket.TextMessage, strings.Repeat("again and ", 7000))
	}
	must(self.control(websocket.PingMessage, []byte("are you there?")))
	say(websocket.TextMessage, "behind the ping")
	must(self.control(websocket.CloseMessage, websocket.FormatCloseMessage(1000, "done")))
	self.receive()
}

func main() {
	if os.Args[1] == "client" {
		var config *tls.Config
		if len(os.Args) > 4 {
			config = clientConfig(os.Args[4], os.Args[5], os.Args[6])
		}
		converse(os.Args[2], os.Args[3], config)
		return
	}
	socket, err := net.Listen("tcp4", "127.0.0.1:"+os.Args[2])
	must(err)
	if len(os.Args) > 3 {
		socket = tls.NewListener(socket, serverConfig(os.Args[3], os.Args[4], os.Args[5], os.Args[6]))
	}
	log.Fatal(http.Serve(listener{socket}, http.HandlerFunc(echo)))
}
