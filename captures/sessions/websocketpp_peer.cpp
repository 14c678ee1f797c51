// An echo server and a client made with websocketpp, which print what they send and receive:
// websocketpp_peer server PORT | client URL (plain | deflate | long | told)
// The lines are those of gorilla_peer.go.
#include "peer_lines.hpp"

#include <iostream>
#include <vector>
#include <websocketpp/client.hpp>
#include <websocketpp/config/asio_no_tls.hpp>
#include <websocketpp/config/asio_no_tls_client.hpp>
#include <websocketpp/extensions/permessage_deflate/enabled.hpp>
#include <websocketpp/server.hpp>

namespace frame = websocketpp::frame;
using websocketpp::connection_hdl;

// permessage-deflate is a matter of types here.
template <class Plain> struct Deflating : Plain {
    typedef Deflating type;
    typedef Plain base;
    typedef typename base::concurrency_type concurrency_type;
    typedef typename base::request_type request_type;
    typedef typename base::response_type response_type;
    typedef typename base::message_type message_type;
    typedef typename base::con_msg_manager_type con_msg_manager_type;
    typedef typename base::endpoint_msg_manager_type endpoint_msg_manager_type;
    typedef typename base::alog_type alog_type;
    typedef typename base::elog_type elog_type;
    typedef typename base::rng_type rng_type;
    typedef typename base::endpoint_base endpoint_base;
    typedef typename base::transport_type transport_type;
    struct permessage_deflate_config {
        typedef typename base::request_type request_type;
        static const bool allow_disabling_context_takeover = true;
        static const uint8_t minimum_outgoing_window_bits = 8;
    };
    typedef websocketpp::extensions::permessage_deflate::enabled<permessage_deflate_config>
        permessage_deflate_type;
};

template <class Endpoint> struct Talk {
    Endpoint& endpoint;
    std::string mine, theirs;

    typename Endpoint::connection_ptr of(connection_hdl handle) {
        return endpoint.get_con_from_hdl(handle);
    }

    unsigned client_port(connection_hdl handle) {
        auto& socket = of(handle)->get_raw_socket();
        websocketpp::lib::asio::error_code error;
        auto ends = mine == "client" ? socket.local_endpoint(error) : socket.remote_endpoint(error);
        return ends.port();
    }

    // Ports by connection: a closed socket does not tell its own.
    std::map<connection_hdl, unsigned, std::owner_less<connection_hdl>> ports;
    bool closing = false;  // by this side, which has noted its Close; one connection at a time

    Talk(Endpoint& endpoint, std::string const& side)
        : endpoint(endpoint), mine(side), theirs(side == "client" ? "server" : "client") {
        endpoint.clear_access_channels(websocketpp::log::alevel::all);
        endpoint.init_asio();
        endpoint.set_ping_handler([this](connection_hdl handle, std::string data) {
            note(ports[handle], "control", theirs, "ping", data);
            note(ports[handle], "control", mine, "pong", data);
            return true;  // the library is to answer
        });
        endpoint.set_pong_handler([this](connection_hdl handle, std::string data) {
            note(ports[handle], "control", theirs, "pong", data);
        });
        endpoint.set_close_handler([this](connection_hdl handle) {
            auto connection = of(handle);
            std::string received = close_payload(connection->get_remote_close_code(),
                                                 connection->get_remote_close_reason());
            note(ports[handle], "control", theirs, "close", received);
            // The library's answer repeats what it answers. Its own close code is 1006 where the
            // other end does not wait for that.
            if (!closing) note(ports[handle], "control", mine, "close", received);
            closing = false;
        });
    }

    void opened(connection_hdl handle) {
        unsigned port = ports[handle] = client_port(handle);
        note(port, "request", of(handle)->get_request().raw());
        note(port, "response", of(handle)->get_response().raw());
        note(port, "open");
    }

    void send(connection_hdl handle, std::string const& data, frame::opcode::value opcode) {
        note(ports[handle], "message", mine, opcode == frame::opcode::text ? "text" : "binary", data);
        endpoint.send(handle, data, opcode);
    }

    void received(connection_hdl handle, typename Endpoint::message_ptr message) {
        bool text = message->get_opcode() == frame::opcode::text;
        note(ports[handle], "message", theirs, text ? "text" : "binary", message->get_payload());
    }

    void close(connection_hdl handle, unsigned short code, std::string const& reason) {
        closing = true;
        note(ports[handle], "control", mine, "close", close_payload(code, reason));
        endpoint.close(handle, code, reason);
    }
};

static void serve(unsigned short port) {
    typedef websocketpp::server<Deflating<websocketpp::config::asio>> Server;
    Server server;
    Talk<Server> talk(server, "server");
    server.set_open_handler([&](connection_hdl handle) { talk.opened(handle); });
    server.set_message_handler([&](connection_hdl handle, Server::message_ptr message) {
        talk.received(handle, message);
        if (message->get_payload() == "close, please") return talk.close(handle, 4001, "told to");
        talk.send(handle, message->get_payload(), message->get_opcode());
    });
    server.set_reuse_addr(true);
    server.listen(websocketpp::lib::asio::ip::tcp::v4(), port);
    server.start_accept();
    server.run();
}

template <class Config> static void converse(std::string const& url, std::string const& way) {
    typedef websocketpp::client<Config> Client;
    Client client;
    Talk<Client> talk(client, "client");
    std::vector<std::pair<std::string, frame::opcode::value>> messages = {
        {"from websocketpp", frame::opcode::text},
        {"Gr\u00fc\u00dfe, \u4e16\u754c, \U0001f989", frame::opcode::text},
        {"", frame::opcode::text},
        {std::string("\x00\x01\xfe\xff", 4), frame::opcode::binary},
        {repeated("again and ", 70), frame::opcode::text},
    };
    if (way == "long") {
        for (int number = 0; number < 20; number++)
            messages.emplace_back("message " + std::to_string(number), frame::opcode::text);
        messages.emplace_back(repeated("again and ", 7000), frame::opcode::text);
    }
    messages.emplace_back("behind the ping", frame::opcode::text);
    if (way == "told") messages = {messages[0], {"close, please", frame::opcode::text}};
    std::size_t next = 0;
    auto go_on = [&](connection_hdl handle) {
        if (next == messages.size()) return talk.close(handle, 1000, "done");
        auto const& message = messages[next++];
        if (message.first == "behind the ping") {
            note(talk.ports[handle], "control", "client", "ping", "are you there?");
            client.ping(handle, "are you there?");
        }
        talk.send(handle, message.first, message.second);
    };
    client.set_open_handler([&](connection_hdl handle) {
        talk.opened(handle);
        go_on(handle);
    });
    client.set_message_handler([&](connection_hdl handle, typename Client::message_ptr message) {
        talk.received(handle, message);
        go_on(handle);
    });
    websocketpp::lib::error_code error;
    auto connection = client.get_connection(url, error);
    if (error) throw websocketpp::exception(error);
    client.connect(connection);
    client.run();
    if (next != messages.size()) throw std::runtime_error("the conversation broke off");
}

int main(int, char** arguments) {
    std::string role = arguments[1];
    if (role == "server") {
        serve(static_cast<unsigned short>(std::stoi(arguments[2])));
        return 0;
    }
    std::string url = arguments[2], way = arguments[3];
    if (way == "deflate" || way == "long")
        converse<Deflating<websocketpp::config::asio_client>>(url, way);
    else
        converse<websocketpp::config::asio_client>(url, way);
}
