// An echo server and a client made with Boost.Beast, which print what they send and receive:
// beast_peer server PORT | client URL (plain | deflate | long | told)
// The lines are those of gorilla_peer.go. Beast answers Pings and Closes by itself: the answers are
// noted as its documentation has them.
#include "peer_lines.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>
#include <sstream>
#include <thread>

namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
namespace net = boost::asio;
using tcp = net::ip::tcp;

static std::string close_body(websocket::close_reason const& reason) {
    if (reason.code == websocket::close_code::none) return "";
    return close_payload(reason.code, std::string(reason.reason.data(), reason.reason.size()));
}

// A WebSocket connection and the side that this program is.
struct Talk {
    websocket::stream<tcp::socket> stream;
    std::string mine, theirs;
    unsigned client_port = 0;

    Talk(tcp::socket socket, std::string side, bool deflate)
        : stream(std::move(socket)), mine(side), theirs(side == "client" ? "server" : "client") {
        tcp::socket& below = stream.next_layer();
        client_port = (side == "client" ? below.local_endpoint() : below.remote_endpoint()).port();
        websocket::permessage_deflate option;
        option.client_enable = option.server_enable = deflate;
        stream.set_option(option);
        stream.auto_fragment(true);
        stream.write_buffer_bytes(512);
        stream.control_callback([this](websocket::frame_type kind, beast::string_view view) {
            std::string data(view.data(), view.size());
            if (kind == websocket::frame_type::ping) {
                note(client_port, "control", theirs, "ping", data);
                note(client_port, "control", mine, "pong", data);
            }
            if (kind == websocket::frame_type::pong)
                note(client_port, "control", theirs, "pong", data);
        });
    }

    template <class Head> void head(std::string const& event, Head const& head) {
        std::ostringstream text;
        text << head.base();
        note(client_port, event, text.str());
    }

    void send(std::string const& data, bool text = true) {
        note(client_port, "message", mine, text ? "text" : "binary", data);
        stream.text(text);
        stream.write(net::buffer(data));
    }

    std::string receive() {
        beast::flat_buffer buffer;
        stream.read(buffer);
        std::string data = beast::buffers_to_string(buffer.data());
        note(client_port, "message", theirs, stream.got_text() ? "text" : "binary", data);
        return data;
    }

    void say(std::string const& data, bool text = true) {
        send(data, text);
        receive();
    }

    void close(unsigned short code, std::string const& reason) {
        note(client_port, "control", mine, "close", close_payload(code, reason));
        stream.close({static_cast<websocket::close_code>(code), reason});
        note(client_port, "control", theirs, "close", close_body(stream.reason()));
    }

    // A read failed: for a Close, which Beast answered with the same code, and whose sender may have
    // closed TCP without waiting for that. Throw what was no Close.
    void was_closed() {
        if (stream.reason().code == websocket::close_code::none) throw;
        note(client_port, "control", theirs, "close", close_body(stream.reason()));
        note(client_port, "control", mine, "close", close_payload(stream.reason().code, ""));
    }
};

static void echo(tcp::socket socket) {
    Talk talk(std::move(socket), "server", true);
    beast::flat_buffer buffer;
    http::request<http::string_body> request;
    http::read(talk.stream.next_layer(), buffer, request);
    talk.head("request", request);
    talk.stream.set_option(websocket::stream_base::decorator(
        [&](websocket::response_type& response) { talk.head("response", response); }));
    talk.stream.accept(request);
    note(talk.client_port, "open");
    try {
        for (;;) {
            std::string data = talk.receive();
            if (data == "close, please") return talk.close(4001, "told to");
            talk.send(data, talk.stream.got_text());
        }
    } catch (beast::system_error const&) {
        talk.was_closed();
    }
}

static void converse(Url const& url, std::string const& way) {
    net::io_context context;
    tcp::socket socket(context);
    socket.connect({net::ip::make_address(url.host), url.port});
    Talk talk(std::move(socket), "client", way == "deflate" || way == "long");
    talk.stream.set_option(websocket::stream_base::decorator(
        [&](websocket::request_type& request) { talk.head("request", request); }));
    websocket::response_type response;
    talk.stream.handshake(response, url.host + ":" + std::to_string(url.port), url.path);
    talk.head("response", response);
    note(talk.client_port, "open");
    talk.say("from Boost.Beast");
    if (way == "told") {
        talk.send("close, please");
        try {
            talk.receive();
        } catch (beast::system_error const&) {
            talk.was_closed();
        }
        return;
    }
    talk.say("Gr\u00fc\u00dfe, \u4e16\u754c, \U0001f989");
    talk.say("");
    talk.say(std::string("\x00\x01\xfe\xff", 4), false);
    // Longer than the buffer for writing: in fragments.
    talk.say(repeated("again and ", 70));
    if (way == "long") {
        for (int number = 0; number < 20; number++)
            talk.say("message " + std::to_string(number));
        talk.say(repeated("again and ", 7000));
    }
    note(talk.client_port, "control", "client", "ping", "are you there?");
    talk.stream.ping("are you there?");
    talk.say("behind the ping");
    talk.close(1000, "done");
}

int main(int, char** arguments) {
    if (std::string(arguments[1]) == "client") {
        converse(Url(arguments[2]), arguments[3]);
        return 0;
    }
    net::io_context context;
    auto port = static_cast<unsigned short>(std::stoi(arguments[2]));
    tcp::acceptor acceptor(context, {net::ip::make_address("127.0.0.1"), port});
    for (;;) {
        tcp::socket socket(context);
        acceptor.accept(socket);
        std::thread(echo, std::move(socket)).detach();
    }
}
